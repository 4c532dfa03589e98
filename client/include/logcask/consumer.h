#pragma once
// Reads a topic's log in offset order per partition, from a chosen place, and goes on as it grows.
//
// Fetches ahead in the background up to prefetch_bytes. Holes left by compaction are stepped over; control batches and
// records below the position are not shown. The members of a group are not coordinated: a group is a name under which
// positions are kept.
// Threads: one thread at a time may use a Consumer; views of a poll live until the next poll, seek or destruction.
// Waking: wake_up() may be called from any thread and ends the poll at hand, or the next, at once.
// Outages: a poll that returns nothing says whether there was no news or no contact; contact() says why.
// Errors: a partition's error ends its fetching and is returned by one poll, naming the partition; seek() starts
// it again. Retriable errors and lost connections are retried inside and never shown.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
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

// Where to begin.
struct StartAt {
  enum class Kind : std::uint8_t { earliest, latest, offset, timestamp, committed };
  Kind kind = Kind::earliest;
  Offset at_offset;
  TimestampMs at_timestamp;                // the first record at or after; latest when there is none
  Kind when_uncommitted = Kind::earliest;  // committed: where a partition without a commit begins

  static StartAt earliest() { return {Kind::earliest, {}, {}, Kind::earliest}; }
  static StartAt latest() { return {Kind::latest, {}, {}, Kind::earliest}; }
  static StartAt offset(Offset offset) { return {Kind::offset, offset, {}, Kind::earliest}; }
  static StartAt timestamp(TimestampMs time) { return {Kind::timestamp, {}, time, Kind::earliest}; }
  // The group's committed offset (ConsumerOptions::group).
  static StartAt committed(Kind otherwise = Kind::earliest) { return {Kind::committed, {}, {}, otherwise}; }
};

struct ConsumerOptions {
  std::string group;                       // needed for committed(), commit() and StartAt::committed
  std::size_t fetch_bytes = 4u << 20;      // of one answer
  std::size_t partition_bytes = 1u << 20;  // of one partition in one answer
  std::size_t prefetch_bytes = 16u << 20;  // fetched and not yet polled
  std::size_t max_poll_records = 10000;
  std::size_t max_batch_bytes = 64u << 20;  // largest batch after decompression
  std::int64_t fetch_wait_ms = 500;         // how long the broker may hold an empty answer
  // What to do when the position is no longer in the log: log start moved past it (offset_out_of_range), or the topic
  // is another log than the one it was read in, made anew or restored from an older copy (topic_changed). Also for a
  // start beyond its end.
  enum class OutOfRange : std::uint8_t { fail, earliest, latest } out_of_range = OutOfRange::fail;
};

struct [[nodiscard]] PollResult {
  std::span<const ReadRecord> records;  // in offset order within each partition
  // Partitions where deletes between the last read position and this one may have been cleaned away unseen (the
  // tombstone horizon passed the position): state built from earlier reads may hold deleted keys. Told once per pass.
  std::vector<PartitionId> behind_tombstone_horizon;
  bool woken = false;       // wake_up() was called since the last poll; there may be records, too
  bool no_contact = false;  // there are no records, and none could come: see Consumer::contact()
};

class LOGCASK_API Consumer {
 public:
  // Partitions empty = all of the topic. unknown_topic, unknown_partition; offset_out_of_range when StartAt::offset
  // lies beyond the committed end of a partition (and out_of_range is fail); invalid_argument for StartAt::committed
  // without a group; partition_offline when a partition cannot say where it begins.
  static Result<Consumer> open(const Client& client, std::string topic, StartAt start,
                               std::vector<PartitionId> partitions = {}, ConsumerOptions options = {});
  ~Consumer();
  Consumer(Consumer&&) noexcept;
  Consumer& operator=(Consumer&&) noexcept;

  // Waits up to max_wait_ms for records; none = nothing came in that time. Errors, each told once and naming its
  // partition: offset_out_of_range (log start has passed the position; out_of_range decides), corrupt_range and
  // corrupt_message (damage: seek() beyond it), partition_offline, unknown_topic and unknown_partition (it was
  // deleted), message_too_large (a batch above max_batch_bytes). The other partitions go on with the next poll. Not
  // naming one: cancelled (the client was closed), permission_denied, malformed_frame.
  Result<PollResult> poll(std::int64_t max_wait_ms);
  // (any thread) The poll at hand, or else the next one, returns at once with what there is.
  void wake_up();
  // (any thread) Whether the broker is there, and answers what is fetched.
  Contact contact() const;

  const std::string& topic() const;
  const std::vector<PartitionId>& partitions() const;
  // With StartAt::committed: partitions whose committed offset was of another log of that name (the topic was made anew
  // or restored from an older copy); they began as if nothing had been committed.
  const std::vector<PartitionId>& commits_not_used() const;
  // The next offset that poll will look at; steps over holes.
  Offset position(PartitionId partition) const;
  // The partition's committed end as last seen; kNoOffset before the first answer. position >= end = caught up.
  Offset end_offset(PartitionId partition) const;
  Offset log_start(PartitionId partition) const;
  // Everything that was committed when the brokers' last answers were given has been polled.
  bool at_end() const;
  // The next poll reads from there. unknown_partition when it is not one of partitions(); invalid_argument below 0.
  // That nothing is at `offset` is said by the poll.
  Status seek(PartitionId partition, Offset offset);

  // Keeps the positions after the last returned records, or those given, under the group's name. invalid_argument
  // without a group or for an offset below 0; unknown_topic, unknown_partition; storage_full, read_only or
  // partition_offline when the broker cannot keep it. The first failure when several partitions have one.
  Status commit(CallOptions call = {});
  Status commit(const std::map<PartitionId, Offset>& next_offsets, CallOptions call = {});
  void commit_async(Callback<void> done);
  void commit_async(const std::map<PartitionId, Offset>& next_offsets, Callback<void> done);
  // The group's committed offset; none when nothing was committed. invalid_argument without a group.
  Result<std::optional<Offset>> committed(PartitionId partition, CallOptions call = {});

 private:
  struct LOGCASK_HIDDEN Impl;
  explicit Consumer(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace logcask::client
