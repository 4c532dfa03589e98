#pragma once
// A broker without sockets, threads and disk, for one connection at a time: real services over real partitions on a
// file system in memory. Everything that is posted runs in run(), one thing after the other, in a fixed order.
//
// Topics "t" (compacted, two partitions) and "d" (retention, one) hold a few records. fresh() makes everything anew
// when the last input changed something, so that each input meets the same broker.

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/door/local_partition_runner.h"
#include "broker/native/native_protocol.h"
#include "broker/native/native_services.h"
#include "tests/support/manual_clock.h"
#include "tests/support/manual_executor.h"
#include "tests/support/manual_loop.h"
#include "tests/support/memory_file_system.h"

namespace logcask::fuzz {

// Runs tasks at once, on the caller's stack: for syncs, which callers wait for.
class InlineExecutor final : public Executor {
 public:
  void post(Task task) override { task(); }
  // A sync nobody waits for.
  void post_after(std::int64_t, Task task) override { later_.push_back(std::move(task)); }
  void drop_all() { later_.clear(); }

 private:
  std::deque<Task> later_;
};

class FuzzMetadata final : public MetadataStore {
 public:
  Result<std::vector<TopicRecord>> load_topics() override { return std::vector<TopicRecord>(); }
  const std::vector<MetadataProblem>& problems() const override { return problems_; }
  Status put_topic(const TopicRecord&) override { return {}; }
  Status remove_topic(const std::string&) override { return {}; }
  Result<std::int64_t> reserve_producer_ids(std::int64_t) override { return std::int64_t{1000}; }

 private:
  std::vector<MetadataProblem> problems_;
};

class FuzzPartitions final : public PartitionFactory {
 public:
  explicit FuzzPartitions(const Clock& clock, const KeyHasher& hasher) : clock_(clock), hasher_(hasher) {}
  ~FuzzPartitions() override { drop_all(); }

  Result<std::shared_ptr<PartitionRunner>> open(const PartitionSpec& spec) override;
  Status mark_deleted(const PartitionSpec&) override { return {}; }
  Status remove(const PartitionSpec&) override { return {}; }

  bool run_one() { return background_.run_one(); }
  void drop_all();
  std::size_t changes() const;

 private:
  const Clock& clock_;
  const KeyHasher& hasher_;
  PageArena arena_;
  KeydirBudget budget_;
  InlineExecutor flush_;
  testing::ManualExecutor background_;
  std::vector<std::unique_ptr<testing::MemoryFileSystem>> disks_;
};

// Finds nothing to compact: tells of progress once and is done, from the blocking executor as the real one does from
// its threads.
class IdleCompaction final : public CompactionControl {
 public:
  explicit IdleCompaction(Executor& executor) : executor_(executor) {}
  RequestId request(std::shared_ptr<PartitionRunner> partition, bool wait,
                    std::function<void(const CompactionProgress&)> progress) override;
  void cancel(RequestId id) override { open_.erase(id); }

 private:
  Executor& executor_;
  std::map<RequestId, std::function<void(const CompactionProgress&)>> open_;
  RequestId last_ = 0;
};

class RequestBroker {
 public:
  RequestBroker();
  ~RequestBroker();

  // Has an input changed what the next one would meet?
  bool changed();
  // The services that remember callers forget them.
  void forget_callers();
  void run();
  void advance_ms(std::int64_t ms) {
    loop_.advance_ms(ms);
    run();
  }

  const NativeServices& services() const { return *services_; }
  const WireMemory& memory() const { return memory_; }
  testing::ManualLoop& loop() { return loop_; }
  TopicView& view() { return view_; }
  TopicId topic_id() const { return topics_.find("t")->record.id; }

 private:
  void fill();
  void append(const std::string& topic, int partition, const std::string& key, std::optional<std::string> value);

  const ConnectionLimits limits_;
  testing::ManualClock clock_;
  KeyHasher hasher_{KeyHasher::Secret{}};
  AllowAll authorizer_;
  Metrics metrics_;
  FuzzMetadata metadata_;
  FuzzPartitions partitions_{clock_, hasher_};
  Topics topics_;
  testing::ManualLoop loop_;
  testing::ManualExecutor blocking_;
  IdleCompaction compaction_{blocking_};
  WireMemory memory_{256u << 10, 48u << 10};
  TopicView view_{topics_};
  ServiceParts parts_;
  BrokerFacts facts_;
  ProduceService produce_;
  FetchService fetch_;
  OffsetsService offsets_;
  LookupService lookup_;
  WatchService watch_;
  ReplayService replay_;
  BackupService backup_;
  std::optional<OffsetsTopic> offsets_topic_;
  GroupNames group_names_;
  std::optional<GroupCoordinator> coordinator_;
  std::optional<ConsumerGroupCoordinator> consumers_;
  std::optional<GroupsService> groups_;
  std::optional<GroupAdmin> group_admin_;
  std::optional<AdminService> admin_;
  std::optional<ProducerIdService> producer_ids_;
  std::optional<NativeServices> services_;
  std::size_t changes_ = 0;
  std::uint64_t generation_ = 0;
};

}  // namespace logcask::fuzz
