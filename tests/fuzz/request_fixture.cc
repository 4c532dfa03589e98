#include "tests/fuzz/request_fixture.h"

#include <utility>

#include "partition/prepare.h"

namespace logcask::fuzz {
namespace {

// Small enough to be reached.
ConnectionLimits small_limits() {
  ConnectionLimits limits;
  limits.frame_bytes = 256u << 10;
  limits.inflight_bytes = 16u << 10;
  limits.output_bytes = 64u << 10;
  limits.unanswered = 8;
  return limits;
}

Topics::Limits few_partitions() {
  Topics::Limits limits;
  limits.partitions_max = 5;
  return limits;
}

}  // namespace

Result<std::shared_ptr<PartitionRunner>> FuzzPartitions::open(const PartitionSpec& spec) {
  auto& disk = disks_.emplace_back(std::make_unique<testing::MemoryFileSystem>());
  RunnerEnvironment environment;
  environment.name = spec.label();
  environment.partition.segments = std::make_shared<SegmentEnvironment>();
  environment.partition.directory = disk->root();
  environment.partition.clock = &clock_;
  environment.partition.hasher = &hasher_;
  environment.partition.arena = &arena_;
  environment.partition.budget = &budget_;
  environment.recovery.create = true;
  environment.recovery.writer.preallocate_bytes = 0;
  environment.flush = &flush_;
  environment.background = &background_;
  PartitionConfig config = spec.config.partition;
  config.tail_buffer_bytes = 64u << 10;
  std::string report;
  std::shared_ptr<PartitionRunner> runner = LocalPartitionRunner::open(std::move(environment), config, report);
  while (run_one()) {
  }
  return runner;
}

void FuzzPartitions::drop_all() {
  flush_.drop_all();
  background_.drop_all();
}

std::size_t FuzzPartitions::changes() const {
  std::size_t all = disks_.size();
  for (const auto& disk : disks_) all += disk->change_count();
  return all;
}

CompactionControl::RequestId IdleCompaction::request(std::shared_ptr<PartitionRunner>, bool wait,
                                                     std::function<void(const CompactionProgress&)> progress) {
  const RequestId id = ++last_;
  open_.emplace(id, std::move(progress));
  for (const bool finished : {false, true}) {
    if (!finished && !wait) continue;
    executor_.post([this, id, finished] {
      const auto found = open_.find(id);
      if (found == open_.end()) return;  // cancelled
      CompactionProgress now;
      now.finished = finished;
      const auto tell = found->second;
      if (finished) open_.erase(found);
      tell(now);
    });
  }
  return id;
}

RequestBroker::RequestBroker()
    : limits_(small_limits()),
      topics_(metadata_, partitions_, clock_, few_partitions()),
      parts_{authorizer_, metrics_, clock_, hasher_, topics_, blocking_},
      produce_(parts_, 30'000, blocking_),
      fetch_(parts_, 64u << 10, 300'000),
      offsets_(parts_),
      lookup_(parts_, 5'000),
      watch_(parts_),
      replay_(parts_),
      backup_(parts_, 30'000) {
  facts_.version = "fuzz";
  facts_.disk_space = [] { return DiskSpace{std::uint64_t{2} << 40, std::uint64_t{1} << 40}; };
  offsets_topic_.emplace(parts_);
  coordinator_.emplace(
      GroupCoordinator::Parts{authorizer_, clock_, loop_, *offsets_topic_, [] { return "fuzz"; }, &group_names_},
      GroupLimits());
  consumers_.emplace(ConsumerGroupCoordinator::Parts{authorizer_, clock_, loop_, *offsets_topic_, group_names_,
                                                     [this] { return topics_.generation(); },
                                                     [this] { return known_topics(topics_); }, [] { return "fuzz"; }},
                     ConsumerGroupLimits());
  groups_.emplace(parts_, *offsets_topic_, *coordinator_, *consumers_);
  group_admin_.emplace(parts_, *groups_, *coordinator_, *consumers_);
  admin_.emplace(parts_, *groups_, facts_, &compaction_);
  producer_ids_.emplace(parts_, metadata_);
  services_.emplace(NativeServices{produce_, fetch_, offsets_, lookup_, watch_, replay_, backup_, *groups_,
                                   *group_admin_, *coordinator_, *producer_ids_, *admin_, blocking_, clock_, memory_,
                                   limits_, NativeLimits{4}});
  fill();
  LOGCASK_CHECK(groups_->load().ok());
  changes_ = partitions_.changes();
  generation_ = topics_.generation();
}

RequestBroker::~RequestBroker() {
  run();
  partitions_.drop_all();
  blocking_.drop_all();
}

void RequestBroker::fill() {
  LOGCASK_CHECK(topics_.create("t", 2, {{"cleanup.policy", "compact"}}, false).ok());
  LOGCASK_CHECK(topics_.create("d", 1, {{"cleanup.policy", "delete"}}, false).ok());
  for (const char* key : {"a", "b", "c", "a"}) append("t", 0, key, std::string("value of ") + key);
  append("t", 0, "b", std::nullopt);
  append("t", 1, "z", std::string(5000, 'z'));
  append("d", 0, "k", "v");
  run();
}

void RequestBroker::append(const std::string& topic, int partition, const std::string& key,
                           std::optional<std::string> value) {
  const TopicPtr found = topics_.find(topic);
  BatchBuilder builder{Offset(0)};
  std::optional<ByteView> bytes;
  if (value) bytes = ByteView(*value);
  builder.add(Offset(0), clock_.wall_ms(), ByteView(key), bytes);
  std::string batch;
  LOGCASK_CHECK(builder.finish(batch).ok());
  auto prepared = prepare_batch(batch, found->config.partition, hasher_);
  LOGCASK_CHECK(prepared.ok());
  bool appended = false;
  found->partition(PartitionId(partition))->append(*std::move(prepared), Acks::all, [&](const AppendResult& result) {
    appended = result.error.ok();
  });
  LOGCASK_CHECK(appended);
}

bool RequestBroker::changed() {
  const auto groups = coordinator_->list(Principal{});
  return partitions_.changes() != changes_ || topics_.generation() != generation_ || !groups.ok() || !groups->empty();
}

// Where somebody has joined a group everything is made anew: the coordinator has nothing to forget.
void RequestBroker::forget_callers() {
  groups_.emplace(parts_, *offsets_topic_, *coordinator_, *consumers_);
  LOGCASK_CHECK(groups_->load().ok());
  producer_ids_.emplace(parts_, metadata_);
}

// What waits for the disk may wait for a partition's background work, so that goes first.
void RequestBroker::run() {
  bool busy = true;
  while (busy) {
    busy = false;
    while (partitions_.run_one() || loop_.turn()) busy = true;
    if (blocking_.run_one()) busy = true;
  }
}

}  // namespace logcask::fuzz
