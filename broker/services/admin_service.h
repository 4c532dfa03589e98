#pragma once
// Administration of topics, partitions and the broker itself. Everything here may block on the disk: not on
// an I/O thread, unless it says so.

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "broker/services/call_context.h"
#include "broker/services/compaction_control.h"
#include "broker/services/groups_service.h"
#include "broker/topics/keydir_use.h"
#include "segment/file.h"

namespace logcask {

// Something an operator must hear of, of one partition or of more.
struct BrokerProblem {
  std::string topic;  // empty: the broker's own
  PartitionId partition;
  std::string state;
  std::string reason;
};

// Facts of this run of the broker. Filled by the wiring; the atomics may change while it runs.
struct BrokerFacts {
  std::string version;
  std::string cluster_id;
  std::string data_directory;
  std::string advertised_host;
  std::uint16_t advertised_port = 0;
  std::size_t io_threads = 0;
  std::atomic<std::int64_t> keydir_budget_bytes{0};
  std::int64_t started_ns = 0;  // monotonic
  double recovery_seconds = 0;  // until the listener opened
  // Of the data directory's file system; nothing but zeros when it cannot be measured.
  std::function<DiskSpace()> disk_space;
  // What the keydirs of a topic take, or those of all together.
  std::function<KeydirUse(const TopicId*)> keydir_use;
  // What is wrong beside the partitions.
  std::function<void(std::vector<BrokerProblem>&)> list_problems;
  // What nobody need do anything about.
  std::function<void(std::vector<BrokerProblem>&)> list_notes;
  // Of the last start, once every keydir is complete.
  std::atomic<double> keydir_load_seconds{0};
  std::atomic<std::uint64_t> keydir_loaded_from_hints{0};
  std::atomic<std::uint64_t> keydir_loaded_from_scan{0};
};

template <class T>
struct PerPartition {
  PartitionId partition;
  Result<T> result;
};

struct BrokerDescription {
  std::int64_t uptime_ms = 0;
  std::size_t topics = 0, partitions = 0;  // of users
  std::size_t partitions_loading = 0;      // internal ones too
  // Of users: what the budget counts.
  std::uint64_t keydir_entries = 0, keydir_bytes = 0;
  KeydirUse keydir_use;
  std::string keydir_verdict;  // FITS | TIGHT | OOM
  double loading_progress = 1;
  std::vector<BrokerProblem> problems;
  std::vector<BrokerProblem> notes;  // nothing is wrong yet
};

// What a topic costs in RAM, and what its keys look like.
struct TopicSizing {
  KeydirUse use;
  // Keys (deleted ones that still have a tombstone too) per record written since log start: near 1, keys hardly repeat.
  // Nothing while there are no records or a partition's keys are not known.
  std::optional<double> keys_per_record;
  std::string note;  // what an operator should hear of that; empty: nothing
};

// States of problems that the broker itself has; the others are partition_troubles.h's.
inline constexpr const char* kKeydirFull = "keydir_full";
inline constexpr const char* kGroupsUnreadable = "groups_unreadable";
// States of notes.
inline constexpr const char* kKeydirTight = "keydir_tight";
inline constexpr const char* kKeysNeverRepeat = "keys_never_repeat";
inline constexpr const char* kKafkaListenerLeftOut = "kafka_listener_left_out";
inline constexpr const char* kHttpListenerLeftOut = "http_listener_left_out";

// Stands for every partition of the topic.
inline constexpr PartitionId kAllPartitions{-1};

class AdminService {
 public:
  AdminService(const ServiceParts& parts, GroupsService& groups, const BrokerFacts& facts,
               CompactionControl* compaction)
      : parts_(parts), groups_(groups), facts_(facts), compaction_(compaction) {}

  // only_check: see Topics::create().
  Result<Topics::Created> create_topic(const Principal& principal, const std::string& name, std::int64_t partitions,
                                       const SettingMap& settings, bool if_not_exists, bool only_check = false);
  // only_check: see Topics::alter().
  Status alter_topic(const Principal& principal, const std::string& name, const SettingMap& set,
                     const std::vector<std::string>& unset, bool only_check = false);
  // See Topics::grow().
  Status grow_topic(const Principal& principal, const std::string& name, std::int64_t partitions, bool only_check);
  Status delete_topic(const Principal& principal, const std::string& name);
  // Does not block.
  Result<TopicPtr> describe_topic(const Principal& principal, const std::string& name) const;
  // Of a topic that describe_topic() has given, and the snapshots of its partitions. Does not block.
  TopicSizing sizing_of(const Topic& topic, std::span<const PartitionSnapshot> partitions) const;
  std::vector<TopicPtr> list_topics(const Principal& principal, bool include_internal) const;

  // partition -1: all of the topic.
  Result<std::vector<PerPartition<Offset>>> delete_records(const Principal& principal, const std::string& topic,
                                                           PartitionId partition, Offset before);
  // Answers once lookups do, or says that the keys are still being loaded. One call at a time waits for them, so that
  // others that block find a thread; the others say so at once.
  Result<std::vector<PerPartition<std::string>>> reopen(const Principal& principal, const std::string& topic,
                                                        PartitionId partition);
  Result<std::vector<PerPartition<std::vector<SegmentReport>>>> segments(const Principal& principal,
                                                                         const std::string& topic,
                                                                         PartitionId partition) const;
  // Does not block. `progress` runs on the loop; the call ends by itself after the last partition has finished.
  Result<std::shared_ptr<OpenCall>> compact(
      const CallContext& context, const std::string& topic, PartitionId partition, bool wait,
      std::function<void(PartitionId, const CompactionProgress&, bool last)> progress);

  Result<BrokerDescription> describe_broker(const Principal& principal) const;
  const BrokerFacts& facts() const { return facts_; }
  Metrics& metrics() const { return parts_.metrics; }
  // Any thread: nothing waits any more.
  void stop() { stopping_.store(true, std::memory_order_relaxed); }

 private:
  class Compaction;
  Result<std::vector<PartitionId>> partitions_of(const Topic& topic, PartitionId partition) const;
  void wait_for_keys(const std::string& topic, std::vector<PerPartition<std::string>>& reopened);

  const ServiceParts& parts_;
  GroupsService& groups_;
  const BrokerFacts& facts_;
  CompactionControl* const compaction_;  // null: this broker does not compact
  std::atomic<bool> stopping_{false};
  std::atomic<bool> waits_for_keys_{false};  // one call does
};

}  // namespace logcask
