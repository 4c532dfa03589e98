#pragma once
// Rebuilds state from a topic: a snapshot of its records, a marker per partition, then the tail.
//
// Order holds per partition. With live_only the snapshot leaves out records that a newer one of the same key has
// replaced. After a partition's caught_up event everything that was committed when its snapshot ended has been shown.
// Lost connections are resumed inside, without gap or repeat.
// Waking: wake_up() may be called from any thread and ends the poll at hand, or the next, at once.
// Outages: a poll that returns nothing says whether there was no news or no contact; contact() says why.
// Threads: one thread at a time may use a Replay; views of an event live until the next poll or destruction.
// Errors: a poll's error ends the replay, and every later poll returns it until restart(). tombstone_horizon_passed is
// an event, not an error: deletes have been cleaned away that this replay had still to see; the choice is restart() or
// stopping.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include <logcask/client.h>
#include <logcask/contact.h>
#include <logcask/export.h>
#include <logcask/record.h>
#include <logcask/result.h>
#include <logcask/types.h>

namespace logcask::client {

struct ReplayOptions {
  std::vector<PartitionId> partitions;      // empty = all, those included that the topic is given later
  bool live_only = true;                    // false: every record from log start
  bool keys_only = false;                   // values come empty; tombstones stay tombstones
  std::string key_prefix;                   // a filter; the broker walks the whole log all the same
  bool stop_at_caught_up = false;           // finish after the last partition's marker
  std::string resume_token;                 // of an earlier replay with the same options
  std::uint32_t credit_bytes = 8u << 20;    // what the broker may send ahead of poll
  std::size_t max_batch_bytes = 64u << 20;  // largest batch after decompression
  // How often a replay of all partitions that goes on after its markers looks whether the topic has more of them
  // (Kafka's metadata.max.age.ms); each of those has a marker, too. 0: never.
  std::int64_t metadata_max_age_ms = 30'000;
};

struct [[nodiscard]] ReplayEvent {
  enum class Kind : std::uint8_t {
    none,            // nothing came within max_wait_ms
    records,         // of one partition
    caught_up,       // the marker of one partition, exactly once each
    progress,        // only `position` and `snapshot_end` changed
    horizon_passed,  // deletes were missed: restart() and rebuild, or stop
    finished,        // stop_at_caught_up was asked and done
  };
  Kind kind = Kind::none;
  PartitionId partition{-1};
  std::span<const ReadRecord> records;
  Offset caught_up_offset = kNoOffset;
  Offset position = kNoOffset;      // next offset to be read
  Offset snapshot_end = kNoOffset;  // where the snapshot ends, as far as known; position of it = progress
  Error error{Errc::ok, {}};        // of horizon_passed: what the broker said
  bool woken = false;               // wake_up() was called since the last poll, whatever the kind
  bool no_contact = false;          // of none: nothing could come, see Replay::contact()
};

class LOGCASK_API Replay {
 public:
  // unknown_topic, unknown_partition; invalid_argument when credit_bytes is 0 or metadata_max_age_ms below 0. What the
  // broker has against the token or the options is said by the first poll.
  static Result<Replay> open(const Client& client, std::string topic, ReplayOptions options = {});
  ~Replay();
  Replay(Replay&&) noexcept;
  Replay& operator=(Replay&&) noexcept;

  // Waits up to max_wait_ms. Errors: stale_token (the token is of another topic, log or choice of options),
  // corrupt_range and corrupt_message (damage), partition_offline, unknown_topic (it was deleted), unsupported
  // (live_only on a topic without keys to compact), message_too_large (a batch above max_batch_bytes),
  // invalid_argument, permission_denied, cancelled (the client was closed).
  Result<ReplayEvent> poll(std::int64_t max_wait_ms);
  // (any thread) The poll at hand, or else the next one, returns at once with what there is.
  void wake_up();
  // (any thread) Whether the broker is there, and feeds this replay.
  Contact contact() const;

  // State after the last returned event. Kept together with what was built from the events, it lets a later replay go
  // on there. Empty before the first event.
  const std::string& resume_token() const;
  // All partitions that were there when it was opened have had their marker.
  bool caught_up() const;
  // Begins again with a new snapshot. Keys of the old state that are not shown again before caught_up are gone.
  void restart();

  const std::string& topic() const;

 private:
  struct LOGCASK_HIDDEN Impl;
  explicit Replay(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace logcask::client
