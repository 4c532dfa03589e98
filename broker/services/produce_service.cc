#include "broker/services/produce_service.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "partition/prepare.h"

namespace logcask {
namespace {

// Only the topic's own partitioner decides where a key may be, so that a lookup can ask one partition.
Status check_partitions(const Topic& topic, PartitionId partition, const CheckedBatch& batch) {
  if (topic.config.partitioner == Partitioner::any) return {};
  const int count = static_cast<int>(topic.partitions.size());
  for (std::size_t i = 0; i < batch.records.size(); ++i) {
    if (!batch.records[i].has_key) continue;
    const PartitionId home = partition_for_key(topic.config.partitioner, batch.records[i].key, count);
    if (home == partition) continue;
    return Error{Errc::wrong_partition, "record " + std::to_string(i) + " belongs to partition " +
                                            std::to_string(home.value()) + " of topic '" + topic.record.name +
                                            "' (partitioner " +
                                            std::string(partitioner_name(topic.config.partitioner)) + "), not to " +
                                            std::to_string(partition.value())};
  }
  return {};
}

Status check_conditions(const Topic& topic, const PreparedBatch& prepared) {
  if (prepared.conditions.empty()) return {};
  if (!topic.config.partition.compacted)
    return Error{Errc::unsupported,
                 "conditions need keys to look up; topic '" + topic.record.name + "' is not compacted"};
  std::vector<KeyIdentity> expected;
  for (const Condition& condition : prepared.conditions) {
    if (condition.record_index >= prepared.identities.size())
      return Error{Errc::invalid_argument, "a condition names record " + std::to_string(condition.record_index) +
                                               " of a batch of " + std::to_string(prepared.identities.size())};
    if (condition.kind == Condition::Kind::offset) expected.push_back(prepared.identities[condition.record_index]);
  }
  // The second one could never hold: the first record of the key takes a new offset.
  std::sort(expected.begin(), expected.end());
  if (std::adjacent_find(expected.begin(), expected.end()) != expected.end())
    return Error{Errc::invalid_argument, "two conditions expect an offset of the same key; one batch can hold one"};
  return {};
}

}  // namespace

// Shared by the loop and the partitions' answers; the last answer destroys it, on the loop.
class ProduceService::Request {
 public:
  Request(const ServiceParts& parts, EventLoop& loop, std::size_t entries, std::unique_ptr<ProduceCall> call)
      : parts_(parts),
        loop_(loop),
        started_ns_(parts.clock.monotonic_ns()),
        slots_(entries),
        open_(static_cast<std::uint32_t>(entries) + 1),
        call_(std::move(call)) {}

  // Any thread, once per entry.
  void answered(std::size_t index, AppendResult result) {
    slots_[index].result = std::move(result);
    slots_[index].ready.store(true, std::memory_order_release);
    close_one();
  }

  // After the last append: the loop's own share. The deadline is armed only for what is still open.
  void submitted(std::int64_t timeout_ms) {
    if (open_.load(std::memory_order_acquire) > 1) timer_ = loop_.call_after(timeout_ms, [this] { expired(); });
    close_one();
  }

 private:
  struct Slot {
    AppendResult result;
    std::atomic<bool> ready{false};
  };

  void close_one() {
    if (open_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    if (loop_.on_this_thread())
      finish();
    else
      loop_.post([this] { finish(); });
  }

  void finish() {
    if (timer_) loop_.cancel(timer_);
    complete();
    delete this;
  }

  void expired() {
    timer_ = 0;
    complete();
  }

  void complete() {
    if (!call_) return;
    std::vector<AppendResult> results(slots_.size());
    bool all_ok = true;
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i].ready.load(std::memory_order_acquire))
        results[i] = std::move(slots_[i].result);
      else
        results[i].error = Error{Errc::timed_out, "the disk did not answer in time; the records may still be written"};
      all_ok = all_ok && results[i].error.ok();
    }
    parts_.metrics.service(ServiceName::produce).finished(started_ns_, parts_.clock.monotonic_ns(), all_ok);
    const auto call = std::exchange(call_, nullptr);
    call->completed(results);
  }

  const ServiceParts& parts_;
  EventLoop& loop_;
  const std::int64_t started_ns_;
  std::vector<Slot> slots_;
  std::atomic<std::uint32_t> open_;
  std::unique_ptr<ProduceCall> call_;  // loop thread only; null once answered
  EventLoop::TimerId timer_ = 0;       // loop thread only
};

ProduceService::ProduceService(const ServiceParts& parts, std::int64_t default_timeout_ms)
    : parts_(parts), default_timeout_ms_(default_timeout_ms) {}

Status ProduceService::prepare(const CallContext& context, ProduceEntry& entry, PreparedBatch& prepared,
                               std::shared_ptr<PartitionRunner>& runner) const {
  const TopicPtr& topic = context.topics.find(entry.topic);
  if (!topic) return unknown_topic(entry.topic);
  LOGCASK_TRY(parts_.authorizer.authorize(context.principal, Operation::write, {ResourceKind::topic, entry.topic}));
  if (topic->internal) return Error{Errc::permission_denied, "'" + topic->record.name + "' is the broker's own topic"};
  if (!topic->partition(entry.partition)) return unknown_partition(*topic, entry.partition.value());
  runner = topic->partitions[static_cast<std::size_t>(entry.partition.value())];
  LOGCASK_ASSIGN(prepared,
                 prepare_batch(entry.batch, topic->config.partition, parts_.hasher, std::move(entry.conditions)));
  LOGCASK_TRY(check_partitions(*topic, entry.partition, *prepared.checked));
  LOGCASK_TRY(check_conditions(*topic, prepared));
  return {};
}

bool ProduceService::produce(const CallContext& context, std::span<ProduceEntry> entries, Acks acks,
                             std::int64_t timeout_ms, std::unique_ptr<ProduceCall> call) {
  auto* request = new Request(parts_, context.loop, entries.size(), std::move(call));
  bool congested = false;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    PreparedBatch prepared;
    std::shared_ptr<PartitionRunner> runner;
    if (auto refused = prepare(context, entries[i], prepared, runner); !refused.ok()) {
      AppendResult result;
      result.error = std::move(refused);
      request->answered(i, std::move(result));
      continue;
    }
    parts_.metrics.records_produced.add(prepared.checked->records.size());
    parts_.metrics.bytes_produced.add(entries[i].batch.size());
    runner->append(std::move(prepared), acks,
                   [request, i](AppendResult result) { request->answered(i, std::move(result)); });
    congested = congested || runner->congested();
  }
  request->submitted(timeout_ms > 0 ? timeout_ms : default_timeout_ms_);
  return congested;
}

}  // namespace logcask
