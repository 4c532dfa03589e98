#pragma once
// Reads a topic's log in offset order per partition, from a chosen place, and goes on as it grows.
//
// Fetches ahead in the background up to prefetch_bytes. Holes left by compaction are stepped over; control batches and
// records below the position are not shown.
//
// Groups, as Kafka has them, and with Kafka's clients in them if need be:
//  - join() makes a member: the members of a group share the topic's partitions, and each partition is read by one of
//    them. A member that leaves, or that nothing is heard of for session_timeout_ms, is replaced by the others. The
//    leader shares out by range or roundrobin, whichever all members know.
//  - open() reads partitions of the caller's choice. A group is then a name under which positions are kept: it is
//    refused (unknown_member_id) to commit for a group that has members.
// A member is told of changes by poll(), see PollResult: partitions that are revoked, lost, assigned. Its heartbeats
// are sent on the client's I/O thread, whatever the consumer's thread does, as long as that polls at least once in
// rebalance_timeout_ms.
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
  std::string group;  // needed for join(), committed(), commit() and StartAt::committed
  // Of a member; Kafka's names and defaults. A member that nothing is heard of for so long is dropped; within the
  // broker's group.min.session.timeout.ms and group.max.session.timeout.ms.
  std::int64_t session_timeout_ms = 45'000;
  std::int64_t heartbeat_interval_ms = 3'000;  // at most half the session timeout
  // How long the group waits for this member when it shares out anew, and the longest time between two polls (Kafka's
  // max.poll.interval.ms): a member that is not polled for longer leaves.
  std::int64_t rebalance_timeout_ms = 300'000;
  // A static member (KIP-345): under this id it finds its partitions again after a restart within the session timeout,
  // and nobody else notices. It does not leave when it ends. No two members that run may have the same.
  std::string group_instance_id;
  std::size_t fetch_bytes = 4u << 20;      // of one answer
  std::size_t partition_bytes = 1u << 20;  // of one partition in one answer
  std::size_t prefetch_bytes = 16u << 20;  // fetched and not yet polled
  std::size_t max_poll_records = 10000;
  std::size_t max_batch_bytes = 64u << 20;  // largest batch after decompression
  std::int64_t fetch_wait_ms = 500;         // how long the broker may hold an empty answer
  // How often a consumer of all partitions, or a member that leads its group, looks whether the topic has more of them
  // (Kafka's metadata.max.age.ms). 0: never.
  std::int64_t metadata_max_age_ms = 30'000;
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
  // Of a member. Each is told by a poll without records, which returns at once.
  // revoked: the group shares out anew. These partitions are given up with the next poll, so commit() before it what of
  // them was worked off; whatever is not committed is read again by whoever gets them. The sooner, the sooner the
  // others go on.
  std::vector<PartitionId> revoked;
  // lost: the session has ended (the broker heard nothing for session_timeout_ms, or nobody polled for
  // rebalance_timeout_ms); others may be reading these partitions already, and commits for them are refused. The member
  // joins anew by itself.
  std::vector<PartitionId> lost;
  // A share has come, which may be empty: partitions() are these from now on, read from the group's committed offsets;
  // or seek() before the next poll.
  bool assigned = false;
  // Of a consumer of all partitions: those that the topic has been given. They are read from now on, from their first
  // record, or with StartAt::committed from the group's offset where there is one. Told by a poll without records.
  // Where one cannot begin (as for open()) a poll says so, and it is tried again after metadata_max_age_ms.
  std::vector<PartitionId> added;
  bool woken = false;       // wake_up() was called since the last poll; there may be records, too
  bool no_contact = false;  // there are no records, and none could come: see Consumer::contact()
};

class LOGCASK_API Consumer {
 public:
  // Partitions empty = all of the topic, those included that it is given later. unknown_topic, unknown_partition;
  // offset_out_of_range when StartAt::offset lies beyond the committed end of a partition (and out_of_range is fail);
  // invalid_argument for StartAt::committed without a group; partition_offline when a partition cannot say where it
  // begins.
  static Result<Consumer> open(const Client& client, std::string topic, StartAt start,
                               std::vector<PartitionId> partitions = {}, ConsumerOptions options = {});
  // A member of options.group, from now on and until it ends or is closed. partitions() are none at first; polls bring
  // the share. `start` says where the partitions of the first share begin; those of later ones begin at the group's
  // committed offsets, and where there are none at start.when_uncommitted.
  // unknown_topic; invalid_argument without a group, or for times that make no sense. Where a share cannot begin (as
  // for open(): offset_out_of_range, partition_offline) its poll says so, and the next one tries again. What the group
  // says against it comes from a poll, and ends the membership for good: inconsistent_group_protocol (the others share
  // out by neither range nor roundrobin), invalid_session_timeout, group_max_size_reached, fenced_instance_id (another
  // member has come under the instance id), permission_denied, invalid_group_id; unknown_request when the broker is too
  // old for members.
  static Result<Consumer> join(const Client& client, std::string topic, StartAt start, ConsumerOptions options);
  // Closes: a member leaves, so that the others need not wait for its session to end. Waits for the answer for a second
  // at most, and not at all without contact. It leaves without waiting on the I/O thread.
  ~Consumer();
  Consumer(Consumer&&) noexcept;
  Consumer& operator=(Consumer&&) noexcept;

  // Waits up to max_wait_ms for records; none = nothing came in that time. Errors, each told once and naming its
  // partition: offset_out_of_range (log start has passed the position; out_of_range decides), corrupt_range and
  // corrupt_message (damage: seek() beyond it), partition_offline, unknown_topic and unknown_partition (it was
  // deleted), message_too_large (a batch above max_batch_bytes). The other partitions go on with the next poll. Not
  // naming one: cancelled (the client was closed), permission_denied, malformed_frame.
  Result<PollResult> poll(std::int64_t max_wait_ms);
  // Ends the reading; a member leaves its group (a static one keeps its place), and the call waits until it has. Later
  // polls return cancelled. timed_out, connection_lost: the group notices when the session has ended.
  Status close(CallOptions call = {});
  // (any thread) The poll at hand, or else the next one, returns at once with what there is.
  void wake_up();
  // (any thread) Whether the broker is there, answers what is fetched, and takes the member into its group.
  Contact contact() const;

  const std::string& topic() const;
  // Those that are read now.
  const std::vector<PartitionId>& partitions() const;
  // With StartAt::committed, and of a member since the last share came: partitions whose committed offset was of
  // another log of that name (the topic was made anew or restored from an older copy); they began as if nothing had
  // been committed.
  const std::vector<PartitionId>& commits_not_used() const;
  // The next offset that poll will look at; steps over holes.
  Offset position(PartitionId partition) const;
  // The partition's committed end as last seen; kNoOffset before the first answer. position >= end = caught up.
  Offset end_offset(PartitionId partition) const;
  Offset log_start(PartitionId partition) const;
  // Everything that was committed when the brokers' last answers were given has been polled. Not of a member that waits
  // for its share.
  bool at_end() const;
  // The next poll reads from there. unknown_partition when it is not one of partitions(); invalid_argument below 0.
  // That nothing is at `offset` is said by the poll.
  Status seek(PartitionId partition, Offset offset);

  // Keeps the positions after the last returned records, or those given, under the group's name. Of a member that is
  // refused once the partitions may be another's: unknown_member_id, illegal_generation, rebalance_in_progress; poll
  // on. Of another consumer (open()), unknown_member_id: the group has members. invalid_argument without a group or for
  // an offset below 0; unknown_topic, unknown_partition; storage_full, read_only or partition_offline when the broker
  // cannot keep it. The first failure when several partitions have one.
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
