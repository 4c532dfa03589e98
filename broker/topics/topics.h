#pragma once
// The registry of topics: name -> id, settings, partitions.
//
// Readers see immutable snapshots: snapshot() and find() from any thread; on a hot path a TopicView,
// owned by one thread, costs one atomic load per lookup. Changes (create, alter, remove, reopen) block on the
// disk, are serialised among themselves, and must not be called on an I/O thread.

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "broker/door/partition_runner.h"
#include "broker/topics/metadata_store.h"
#include "broker/topics/partition_factory.h"
#include "broker/topics/topic_record.h"

namespace logcask {

// Immutable; a change of settings makes a new one with the same partitions.
struct Topic {
  TopicRecord record;
  TopicConfig config;
  bool internal = false;
  std::vector<std::shared_ptr<PartitionRunner>> partitions;

  // Null when there is no such partition.
  PartitionRunner* partition(PartitionId id) const {
    const auto index = static_cast<std::size_t>(id.value());
    return id.value() >= 0 && index < partitions.size() ? partitions[index].get() : nullptr;
  }
};
using TopicPtr = std::shared_ptr<const Topic>;

struct StringHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};
using TopicMap = std::unordered_map<std::string, TopicPtr, StringHash, std::equal_to<>>;

// For the log and for DescribeBroker.
struct TopicsReport {
  std::size_t topics = 0;
  std::size_t partitions = 0;
  std::vector<std::string> offline;  // "orders-3: reason"
  // Deletions that could not be recorded: their files stay until a start can, which would miss them otherwise.
  std::vector<TopicId> undeleted;
};

class Topics {
 public:
  struct Limits {
    std::int64_t partitions_max = 10'000;
    std::string partitions_limit = "partitions.max";  // where that comes from
    std::int64_t default_partitions = 1;
    std::int64_t message_bytes_limit = INT64_MAX;
    std::int64_t decompressed_bytes_max = 64LL << 20;
  };
  // None of the parts is owned; all outlive this.
  Topics(MetadataStore& metadata, PartitionFactory& factory, const Clock& clock, Limits limits);

  // Opens every known topic, `threads` partitions at a time, and serves the metadata topic's own partition under its
  // name. Partitions that cannot be opened are offline; only unreadable metadata is an error. `marked` says which
  // topic ids carry a deletion marker: their deletion is completed.
  Result<TopicsReport> load(std::shared_ptr<PartitionRunner> metadata_partition, std::size_t threads,
                            const std::vector<TopicId>& marked);
  // Closes every partition, `threads` at a time, and forgets the topics. The metadata topic goes last.
  void close(const Error& reason, std::size_t threads);

  // For topics made from now on. Waits for a change that is under way.
  void set_limits(std::int64_t partitions_max, std::int64_t default_partitions);

  TopicPtr find(std::string_view name) const;
  std::shared_ptr<const TopicMap> snapshot() const;
  std::uint64_t generation() const { return generation_.load(std::memory_order_acquire); }

  struct Created {
    TopicPtr topic;
    bool existed = false;
  };
  // partitions == 0: the default. topic_exists, invalid_topic_name, invalid_config, limit_exceeded, storage errors.
  // With `only_check` nothing is made: the answer is what it would be, but for the disk, and the topic has its record,
  // with an id of zeros, and no partitions.
  Result<Created> create(const std::string& name, std::int64_t partitions, const SettingMap& settings,
                         bool if_not_exists, bool only_check = false);
  // The broker's own topics; an existing one is returned as it is.
  Result<TopicPtr> ensure_internal(std::string_view name, std::int64_t partitions, const SettingMap& settings);
  // With `only_check` nothing changes: the answer is what it would be, but for what only the records can tell of a
  // partitioner that changes over them, and the disk.
  // A topic may gain cleanup.policy compact when every record from log start on has a key (topics_policy.cc): all are
  // read first, which takes as long as that, and records without a key are refused from its beginning on.
  // invalid_record names the first one without; keydir_budget_exceeded when there are more keys than the budget has
  // room for; the first error of `keep_going`, asked meanwhile, ends it. Until then other changes of the topic are
  // refused (cancelled), and reading another one is (throttled), with `only_check` too.
  Status alter(const std::string& name, const SettingMap& set, const std::vector<std::string>& unset,
               bool only_check = false, const std::function<Status()>& keep_going = {});
  // More partitions for a topic of cleanup.policy=delete; `partitions` counts the old ones, too. All or none: an error
  // leaves the topic as it was or, when it cannot be told whether the growth took hold, as the next start finds it.
  // unsupported for other topics, invalid_argument when it is no growth.
  Status grow(const std::string& name, std::int64_t partitions, bool only_check = false);
  // Returns when the deletion is certain; the files go later, through `background`, a partition at a time: what a stop
  // leaves of that is found by the markers at the next start. After an error the topic is as it was or, when it cannot
  // be told whether the deletion took hold, no longer served: the next start decides.
  Status remove(const std::string& name, const std::function<void(std::function<void()>)>& background);
  // Recovers a latched or offline partition anew; returns the report.
  Result<std::string> reopen(const std::string& name, PartitionId partition);
  // The same for every partition that is offline for a reason that may pass; `note` gets a line for each that opens.
  // True while such are left. Does not wait for other changes.
  bool reopen_offline(const std::function<void(const std::string&)>& note);

 private:
  // A topic that is being made a compacted one, or of which nobody knows whether the next start finds it so: its
  // records need keys.
  enum class Becoming : std::uint8_t { being_read, undecided };

  void require_keys(const Topic& topic, std::optional<Becoming> becoming);
  Result<std::string> reopen_now(const std::string& name, PartitionId partition);
  Result<std::shared_ptr<Topic>> plan(TopicRecord record, bool internal) const;
  Result<TopicPtr> make(TopicRecord record, bool internal);
  Status check_new(const std::string& name, std::int64_t partitions) const;
  Status check_more(std::int64_t partitions) const;
  Status check_growth(const Topic& topic, std::int64_t partitions) const;
  Result<std::shared_ptr<PartitionRunner>> open_grown(PartitionSpec spec, bool& ours);
  PartitionSpec spec_of(const Topic& topic, std::size_t index) const;
  void publish(std::string_view name, TopicPtr topic);  // null removes
  void publish_all(const std::vector<std::shared_ptr<Topic>>& topics);
  void complete(TopicConfig& config, std::size_t partitions) const;
  Result<std::shared_ptr<Topic>> altered(const Topic& topic, const SettingMap& set,
                                         const std::vector<std::string>& unset) const;
  Status record_change(const Topic& topic, const std::shared_ptr<Topic>& changed);
  // ---- from delete to compact
  struct Alteration {
    const SettingMap& set;
    const std::vector<std::string>& unset;
    bool only_check;
  };
  Status apply(const Topic& topic, std::shared_ptr<Topic> changed);
  Status gain_keydir(std::unique_lock<std::mutex>& change, TopicPtr topic, const Topic& changed,
                     const Alteration& wanted, const std::function<Status()>& keep_going);
  static Status check_keys(const Topic& topic, const TopicConfig& wanted, const PartitionFactory& factory,
                           const std::function<Status()>& keep_going);
  Status open_with_keydirs(const Topic& topic);
  Status change_partitioner(const Topic& topic, const TopicConfig& changed);
  void configure(const Topic& topic);
  TopicConfig config_in_force(const Topic& topic) const;
  Status finish_deletion(const Topic& topic);
  void remove_files(TopicPtr topic, std::size_t index, std::size_t count,
                    const std::function<void(std::function<void()>)>& background);
  Result<std::size_t> directories_of(const Topic& topic);
  void forget_undecided(const TopicId& id);
  bool take_back_markers(const Topic& topic, std::size_t count);

  MetadataStore& metadata_;
  PartitionFactory& factory_;
  const Clock& clock_;
  Limits limits_;  // guarded by change_mutex_
  // Of topics whose change of partitioner may turn up after a restart, or may not: what their partitions let in is
  // prepared under neither, until a change of the topic is recorded. Guarded by change_mutex_.
  std::map<TopicId, std::uint32_t> undecided_placements_;
  std::map<TopicId, Becoming> becoming_compacted_;  // guarded by change_mutex_
  // How many partitions the next start may find of topics whose growth may turn up: what they need stays. Guarded by
  // change_mutex_.
  std::map<TopicId, std::size_t> undecided_growths_;
  bool reads_a_topic_ = false;  // guarded by change_mutex_: one at a time
  std::mutex change_mutex_;     // one change at a time; held over disk work, never taken by readers
  mutable std::mutex map_mutex_;
  std::shared_ptr<const TopicMap> map_;  // guarded by map_mutex_
  std::atomic<std::uint64_t> generation_{1};
};

// One thread's cached view of the registry. Holds the topics it has seen until the next find().
class TopicView {
 public:
  explicit TopicView(const Topics& topics) : topics_(topics) {}
  // Null when there is no such topic. The reference is good until the next find(); copy it to keep the topic.
  const TopicPtr& find(std::string_view name);
  const TopicPtr& find(const TopicId& id);

 private:
  void refresh();

  const Topics& topics_;
  std::uint64_t generation_ = 0;
  std::shared_ptr<const TopicMap> map_;
  std::vector<const TopicPtr*> by_id_;  // those of map_, by their ids, once one is asked for
};

Error unknown_topic(std::string_view name);
Error unknown_partition(const Topic& topic, PartitionId partition);

}  // namespace logcask
