#pragma once
// Topics, groups, maintenance and the state of the broker.
//
// Threads: every function may be called from any thread; callbacks run on the client's I/O thread (logcask/async.h).
// Errors: those of the broker, with its sentence; each call names its own, <logcask/async.h> those of all. Where an
// answer covers several partitions each has its own Error (Errc::ok when fine).

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <logcask/client.h>
#include <logcask/export.h>
#include <logcask/result.h>
#include <logcask/types.h>

namespace logcask::client {

inline constexpr PartitionId kAllPartitions{-1};

struct NewTopic {
  std::string name;
  std::uint32_t partitions = 0;  // 0 = the broker's default
  std::map<std::string, std::string> config;
  bool if_not_exists = false;
};
struct TopicCreated {
  TopicId id;
  std::uint32_t partitions = 0;
  bool existed = false;
};

struct TopicInfo {
  std::string name;
  TopicId id;
  std::uint32_t partitions = 0;
  bool internal = false;
  bool compacted = false;
  std::string partitioner;  // any | murmur2 | crc32 | fnv1a
};

struct TopicSetting {
  std::string name;
  std::string value;
  bool is_default = false;
};
struct PartitionInfo {
  PartitionId partition;
  std::string state;  // online | loading | read_only | offline
  std::string reason;
  Offset log_start;
  Offset committed_end;
  Offset durable_end;
  Offset written_end;
  Offset next_offset;
  Offset tombstone_horizon;
  std::int32_t leader_epoch = 0;
  std::uint64_t live_keys = 0;
  std::uint64_t deleted_keys = 0;
  std::uint64_t keydir_bytes = 0;
  std::uint64_t size_bytes = 0;
  std::uint32_t segments = 0;
  std::uint64_t pending_records = 0;
  std::uint64_t collisions = 0;
  double loading_progress = 0;
  bool compaction_quarantined = false;
  std::string quarantine_reason;
};
// What keydirs take of the budget that is nearest to its end. Entries and bytes of a topic, or of all.
struct KeydirSizing {
  std::uint64_t entries = 0, bytes = 0;
  std::string limit;  // the setting that bounds them; empty: this broker tells no sizing, or the topic has no keydir
  std::uint64_t limit_bytes = 0, limit_used_bytes = 0;
  std::string verdict;  // FITS | TIGHT | OOM
  // Of these keys, and of all that the limit bounds. Nothing: not known yet.
  std::optional<double> entries_per_hour, limit_entries_per_hour;
  // At the latter rate. Nothing: never, or not known.
  std::optional<double> seconds_until_tight, seconds_until_oom;
  std::optional<double> keys_per_record;  // of a topic, since log start: near 1, keys hardly repeat
  std::string note;                       // what an operator should hear; empty: nothing
};
struct TopicDescription {
  std::string name;
  TopicId id;
  bool internal = false;
  std::vector<TopicSetting> settings;
  std::vector<PartitionInfo> partitions;
  KeydirSizing sizing;
};

// Which offset list_offsets looks for.
struct OffsetQuery {
  PartitionId partition;
  std::int64_t timestamp_ms = kLatest;           // or the first record at or after this time
  static constexpr std::int64_t kLatest = -1;    // committed end; with read.visibility=written the written one
  static constexpr std::int64_t kEarliest = -2;  // log start
};
struct [[nodiscard]] ListedOffset {
  PartitionId partition;
  Error error{Errc::ok, {}};
  Offset offset = kNoOffset;  // kNoOffset: no record at or after the time
  TimestampMs timestamp{-1};
};

struct [[nodiscard]] DeletedRecords {
  PartitionId partition;
  Error error{Errc::ok, {}};
  Offset log_start;
};

struct SegmentInfo {
  PartitionId partition;
  Offset base_offset;
  Generation generation;
  Offset next_offset;
  std::string state;  // active | closed | compacting | damaged
  std::uint64_t records = 0;
  std::uint64_t live_values = 0;
  std::uint64_t live_tombstones = 0;
  std::uint64_t due_tombstones = 0;
  std::uint64_t size_bytes = 0;
  std::uint64_t dead_bytes_estimate = 0;
  bool has_hint = false;
  std::uint32_t readers = 0;
  Offset compacted_through;
  TimestampMs first_append;
  TimestampMs last_append;
  bool due = false;
  std::string why;
};

struct [[nodiscard]] CompactionProgress {
  PartitionId partition;
  Error error{Errc::ok, {}};
  bool finished = false;
  std::uint64_t bytes_read = 0;
  std::uint64_t bytes_written = 0;
  std::uint64_t bytes_before = 0;
  std::uint64_t bytes_after = 0;
  std::uint64_t records_kept = 0;
  std::uint64_t records_dropped = 0;
  std::uint64_t tombstones_dropped = 0;
  std::uint32_t rewrites = 0;
  double seconds = 0;
};

struct [[nodiscard]] ReopenReport {
  PartitionId partition;
  Error error{Errc::ok, {}};
  std::string report;
};

struct GroupInfo {
  std::string name;
  std::uint32_t partitions = 0;  // with committed offsets
  // Empty, PreparingRebalance, CompletingRebalance, Stable or Dead: whether it has members and they share partitions.
  // Of kind consumer Empty, Assigning, Reconciling or Stable. Nothing from a broker older than 0.2.
  std::string state;
  std::string protocol_type;  // "consumer"; empty: nobody has joined it
  std::string kind;           // who shares partitions out: "classic", a member; "consumer", the broker (KIP-848)
};
struct GroupOffset {
  std::string topic;
  PartitionId partition;
  Offset offset = kNoOffset;  // next to read; kNoOffset: nothing committed
  std::string metadata;
  TimestampMs committed_at{-1};
  Offset committed_end = kNoOffset;     // of the partition; kNoOffset when it is gone or offline
  Offset log_start_offset = kNoOffset;  // the same
  RunId run = kNoRun;                   // that the offset was read in; kNoRun: the topic as it is
  Error error{Errc::ok, {}};            // topic_changed: the commit is of another log of that name and is not used
  // Offsets between the committed one, without one log start, and the end; what lies below log start is no lag. Nothing
  // when not known.
  std::optional<std::int64_t> lag() const {
    if (committed_end == kNoOffset) return std::nullopt;
    return std::max<std::int64_t>(0, committed_end - std::max(offset, log_start_offset));
  }
};
struct GroupMemberInfo {
  std::string member_id;
  std::string instance_id;  // of a static member; empty: none
  std::string client_id;
  std::string client_host;  // "/127.0.0.1", as Kafka's tools show it
  // Nothing while the group shares out.
  std::map<std::string, std::vector<PartitionId>> assigned;  // by topic
  std::int32_t epoch = 0;                                    // of a group of kind consumer
};
struct GroupDescription {
  std::string name;
  std::string state;          // as GroupInfo has it
  std::string protocol_type;  // the same
  std::string protocol;  // by which partitions are shared out ("range"); of a classic group empty unless it is stable
  std::string kind;      // as GroupInfo has it
  // Of kind consumer: how often what is to be shared out has changed, and for which of these shares were computed.
  std::int32_t epoch = 0;
  std::int32_t target_epoch = 0;
  std::vector<GroupMemberInfo> members;
  // What is committed, and each other partition of topics that are committed for or assigned. A broker older than 0.2
  // tells only what is committed, and nothing of the members.
  std::vector<GroupOffset> offsets;
};

struct BrokerProblem {
  std::string topic;
  PartitionId partition;
  std::string state;
  std::string reason;
};
struct BrokerDescription {
  std::string version;
  std::string cluster_id;
  std::string data_directory;
  std::int64_t uptime_ms = 0;
  std::uint32_t io_threads = 0;
  std::uint32_t topics = 0;
  std::uint32_t partitions = 0;
  std::uint32_t partitions_loading = 0;
  double loading_progress = 0;
  std::uint64_t connections = 0;
  std::uint64_t rss_bytes = 0;
  std::uint64_t keydir_entries = 0;
  std::uint64_t keydir_bytes = 0;
  std::uint64_t keydir_budget_bytes = 0;
  std::string keydir_verdict;  // FITS | TIGHT | OOM
  std::uint64_t disk_free_bytes = 0;
  std::uint64_t open_files = 0;
  double recovery_seconds = 0;
  double keydir_load_seconds = 0;
  std::uint64_t keydir_loaded_from_hints = 0;
  std::uint64_t keydir_loaded_from_scan = 0;
  KeydirSizing sizing;  // of all topics
  std::vector<BrokerProblem> problems;
  std::vector<BrokerProblem> notes;  // nothing is wrong yet
  std::vector<std::pair<std::string, double>> counters;
};

class LOGCASK_API Admin {
 public:
  explicit Admin(const Client& client) : core_(client.core()) {}

  // invalid_topic_name, invalid_config, topic_exists (unless if_not_exists),
  // limit_exceeded (partitions.max), storage_full. After timed_out or connection_lost it may exist: ask again with
  // if_not_exists.
  Result<TopicCreated> create_topic(const NewTopic& topic, CallOptions call = {});
  void create_topic_async(const NewTopic& topic, CallOptions call, Callback<TopicCreated> done);
  // `unset` names go back to their default. unknown_topic, invalid_config (a setting, or two that clash), unsupported
  // (cleanup.policy cannot gain or lose compact), permission_denied (an internal topic), storage_full.
  Status alter_topic(const std::string& name, const std::map<std::string, std::string>& set,
                     const std::vector<std::string>& unset = {}, CallOptions call = {});
  void alter_topic_async(const std::string& name, const std::map<std::string, std::string>& set,
                         const std::vector<std::string>& unset, CallOptions call, Callback<void> done);
  // A plain topic (cleanup.policy=delete, partitioner=any) gets more partitions, `partitions` in all: all of them, or
  // none. unknown_topic; invalid_argument when it has as many already; unsupported where keys would belong to other
  // partitions than their records lie in (it is compacted, or has a partitioner); limit_exceeded (partitions.max),
  // permission_denied (an internal topic), storage_full; unknown_request from a broker older than 0.2. After timed_out
  // or connection_lost it may have them: ask topic(). Producers that are open go on with the partitions they know.
  Status create_partitions(const std::string& name, std::uint32_t partitions, CallOptions call = {});
  void create_partitions_async(const std::string& name, std::uint32_t partitions, CallOptions call,
                               Callback<void> done);
  // unknown_topic, permission_denied (an internal topic). Also after timed_out or connection_lost it may be gone.
  Status delete_topic(const std::string& name, CallOptions call = {});
  void delete_topic_async(const std::string& name, CallOptions call, Callback<void> done);
  // unknown_topic.
  Result<TopicDescription> describe_topic(const std::string& name, CallOptions call = {});
  void describe_topic_async(const std::string& name, CallOptions call, Callback<TopicDescription> done);
  Result<std::vector<TopicInfo>> list_topics(bool include_internal = false, CallOptions call = {});
  void list_topics_async(bool include_internal, CallOptions call, Callback<std::vector<TopicInfo>> done);
  // One topic; unknown_topic when there is none.
  Result<TopicInfo> topic(const std::string& name, CallOptions call = {});
  void topic_async(const std::string& name, CallOptions call, Callback<TopicInfo> done);

  // In the order of the queries. unknown_topic; of one partition: unknown_partition, partition_offline, corrupt_range.
  Result<std::vector<ListedOffset>> list_offsets(const std::string& topic, const std::vector<OffsetQuery>& queries,
                                                 CallOptions call = {});
  void list_offsets_async(const std::string& topic, const std::vector<OffsetQuery>& queries, CallOptions call,
                          Callback<std::vector<ListedOffset>> done);
  // Moves log start up to `before`. unknown_topic, permission_denied (an internal topic); of one partition:
  // unknown_partition, offset_out_of_range (beyond the committed end), partition_offline, storage_full.
  Result<std::vector<DeletedRecords>> delete_records(const std::string& topic, PartitionId partition, Offset before,
                                                     CallOptions call = {});
  void delete_records_async(const std::string& topic, PartitionId partition, Offset before, CallOptions call,
                            Callback<std::vector<DeletedRecords>> done);

  // unknown_topic, unknown_partition, partition_offline.
  Result<std::vector<SegmentInfo>> segments(const std::string& topic, PartitionId partition = kAllPartitions,
                                            CallOptions call = {});
  void segments_async(const std::string& topic, PartitionId partition, CallOptions call,
                      Callback<std::vector<SegmentInfo>> done);
  // Rolls the active segment and starts compaction now. With `wait` it returns when nothing is due: one last report per
  // partition; `progress` sees every report on the way. The deadline is then call.timeout_ms, 0 = none.
  // unknown_topic, unknown_partition, unsupported (the topic is not compacted); of one partition: loading, in_use (it
  // is being compacted by another call), partition_offline, storage_full.
  Result<std::vector<CompactionProgress>> compact(const std::string& topic, PartitionId partition, bool wait,
                                                  std::function<void(const CompactionProgress&)> progress = {},
                                                  CallOptions call = {});
  void compact_async(const std::string& topic, PartitionId partition, bool wait,
                     std::function<void(const CompactionProgress&)> progress, CallOptions call,
                     Callback<std::vector<CompactionProgress>> done);
  // Checks and reopens partitions that are read-only, offline or damaged, or whose compaction is quarantined.
  // unknown_topic, unknown_partition; of one partition: what it is still refused for.
  Result<std::vector<ReopenReport>> reopen(const std::string& topic, PartitionId partition = kAllPartitions,
                                           CallOptions call = {});
  void reopen_async(const std::string& topic, PartitionId partition, CallOptions call,
                    Callback<std::vector<ReopenReport>> done);

  Result<BrokerDescription> describe_broker(CallOptions call = {});
  void describe_broker_async(CallOptions call, Callback<BrokerDescription> done);

  Result<std::vector<GroupInfo>> list_groups(CallOptions call = {});
  void list_groups_async(CallOptions call, Callback<std::vector<GroupInfo>> done);
  // Its members and its offsets. group_id_not_found when it has neither members nor committed offsets, nor ever had
  // members; coordinator_loading for a moment after the broker's start.
  Result<GroupDescription> describe_group(const std::string& group, CallOptions call = {});
  void describe_group_async(const std::string& group, CallOptions call, Callback<GroupDescription> done);
  // Sets offsets (topic, partition, offset, metadata of each entry); kNoOffset deletes the commit. The first
  // partition's error when one fails: invalid_argument (a name of 0 or too many bytes, an offset that cannot be,
  // metadata too long), unknown_topic, unknown_partition, storage_full, read_only. unknown_member_id when the group has
  // members: only they commit. Without offsets it only asks whether one may.
  Status commit_group(const std::string& group, const std::vector<GroupOffset>& offsets, CallOptions call = {});
  void commit_group_async(const std::string& group, const std::vector<GroupOffset>& offsets, CallOptions call,
                          Callback<void> done);

 private:
  std::shared_ptr<Core> core_;
};

}  // namespace logcask::client
