#include "broker/services/produce_service.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "base/mutant.h"
#include "broker/services/authorized_topic.h"
#include "broker/services/key_homes.h"
#include "partition/prepare.h"

namespace logcask {
namespace {

// Questions (a key in a partition) that are asked on the caller's thread, when a batch was placed by key.
constexpr std::size_t kQuickQuestions = 64u << 10;

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

// Each record without a key is named: a producer may send the others again (KIP-467).
AppendResult unprepared(Error error, ByteView batch, const PartitionConfig& config, const PartitionRunner& runner) {
  AppendResult result;
  if (error.code == Errc::invalid_record) result.refused_records = keyless_records(batch, config);
  if (!result.refused_records.empty()) result.log_start_offset = runner.marks().log_start_offset;
  result.error = std::move(error);
  return result;
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

  // Any thread, in place of answered().
  void refused(std::size_t index, Error error) {
    AppendResult result;
    result.error = std::move(error);
    answered(index, std::move(result));
  }

  // Before submitted().
  std::function<void()> hold_later_calls() { return call_->hold_later_calls(); }

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

// Where an entry goes.
struct ProduceService::Target {
  TopicPtr topic;
  PartitionId partition;
  bool by_key = false;  // and its keys may stand elsewhere
  PartitionRunner& runner() const { return *topic->partitions[static_cast<std::size_t>(partition.value())]; }
};

struct ProduceService::SlowEntry {
  Target target;
  std::size_t index;
  std::string batch;
  std::vector<Condition> conditions;
};

// The entries of one call that are handled elsewhere, in their order.
struct ProduceService::SlowPart {
  Request& request;  // lives until each entry is answered
  EventLoop& loop;
  Acks acks;
  std::vector<SlowEntry> entries;
  std::function<void()> release_later_calls;
};

ProduceService::ProduceService(const ServiceParts& parts, std::int64_t default_timeout_ms, Executor& slow)
    : parts_(parts), default_timeout_ms_(default_timeout_ms), slow_(slow) {}

Result<ProduceService::Target> ProduceService::find(const CallContext& context, const ProduceEntry& entry) const {
  LOGCASK_ASSIGN(TopicPtr topic, authorized_topic(parts_, context, Operation::write, entry.topic));
  if (topic->internal) return Error{Errc::permission_denied, "'" + topic->record.name + "' is the broker's own topic"};
  LOGCASK_TRY(check_same_topic(*topic, entry.topic_id));
  if (!topic->partition(entry.partition)) return unknown_partition(*topic, entry.partition);
  const bool by_key = entry.by_key && keys_may_stand_elsewhere(*topic);
  return Target{std::move(topic), entry.partition, by_key};
}

// The last checks and the append, which answers. True when the partition asks its producers to slow down.
Result<bool> ProduceService::append(const Target& target, PreparedBatch prepared, Acks acks, Request& request,
                                    std::size_t index) const {
  LOGCASK_TRY(check_partitions(*target.topic, target.partition, *prepared.checked));
  LOGCASK_TRY(check_conditions(*target.topic, prepared));
  KeyHomes homes;
  if (target.by_key) {
    LOGCASK_ASSIGN(const bool stays, find_homes(target, prepared, request, index, homes));
    if (!stays) return false;
    prepared.placed_by_key = true;
  }
  parts_.metrics.records_produced.add(prepared.checked->records.size());
  parts_.metrics.bytes_produced.add(prepared.checked->batch.size());
  if (homes.also.empty() && homes.ambiguous.empty())
    return target.runner().append(std::move(prepared), acks, [&request, index](AppendResult result) {
      request.answered(index, std::move(result));
    });
  return target.runner().append(std::move(prepared), acks,
                                [&request, index, homes = std::move(homes)](AppendResult result) mutable {
                                  if (result.error.ok()) {
                                    result.elsewhere = std::move(homes.also);
                                    result.ambiguous_records = std::move(homes.ambiguous);
                                  }
                                  request.answered(index, std::move(result));
                                });
}

// False when it has answered, because keys of the batch stand elsewhere. A repeat of a batch that was taken is never
// sent elsewhere: its records are written. Only a tombstone goes on to the key's other places, as the first answer
// would have told, had it arrived.
Result<bool> ProduceService::find_homes(const Target& target, const PreparedBatch& prepared, Request& request,
                                        std::size_t index, KeyHomes& homes) const {
  std::optional<std::uint32_t> refused;
  auto found = find_key_homes(target.topic, target.partition, prepared, parts_.hasher, refused);
  if (found.ok() && found->moves.empty()) {
    homes = std::move(*found);
    return true;
  }
  if (!mutant(Mutant::repeat_written_elsewhere) && target.runner().is_repeat(prepared.checked->header)) {
    if (!found.ok() || !prepared.conditions.empty()) return true;
    homes = std::move(*found);
    for (const AppendResult::Elsewhere& move : homes.moves)
      if (prepared.checked->records[move.record_index].tombstone) homes.also.push_back(move);
    return true;
  }
  AppendResult result;
  if (found.ok()) {
    result.elsewhere = std::move(found->moves);
    result.error =
        Error{Errc::wrong_partition,
              "record " + std::to_string(result.elsewhere.front().record_index) + ": the key stands in partition " +
                  std::to_string(result.elsewhere.front().partition.value()) + " of topic '" +
                  target.topic->record.name + "', not in " + std::to_string(target.partition.value())};
  } else {
    result.error = std::move(found).error();
    if (refused) result.refused_records = {*refused};
  }
  request.answered(index, std::move(result));
  return false;
}

Status ProduceService::append_slow(SlowEntry& entry, Acks acks, Request& request) const {
  if (stopping_.load(std::memory_order_relaxed)) return Error{Errc::shutting_down, "the broker stops"};
  const PartitionConfig& config = entry.target.topic->config.partition;
  auto prepared = prepare_batch(entry.batch, config, parts_.hasher, std::move(entry.conditions));
  if (!prepared.ok()) {
    request.answered(entry.index, unprepared(std::move(prepared).error(), entry.batch, config, entry.target.runner()));
    return {};
  }
  LOGCASK_TRY(append(entry.target, std::move(*prepared), acks, request, entry.index));
  return {};
}

void ProduceService::run(SlowPart& part) const {
  for (SlowEntry& entry : part.entries) {
    if (auto refused = append_slow(entry, part.acks, part.request); !refused.ok())
      part.request.refused(entry.index, std::move(refused).error());
    entry.batch = {};
  }
  part.loop.post(std::move(part.release_later_calls));
}

bool ProduceService::produce(const CallContext& context, std::span<ProduceEntry> entries, Acks acks,
                             std::int64_t timeout_ms, std::unique_ptr<ProduceCall> call) {
  auto* request = new Request(parts_, context.loop, entries.size(), std::move(call));
  bool congested = false;
  std::vector<SlowEntry> slow;
  // True: the entry's answer will come.
  const auto take = [&](ProduceEntry& entry, std::size_t index) -> Status {
    LOGCASK_ASSIGN(Target target, find(context, entry));
    std::optional<PreparedBatch> prepared;
    if (slow.empty()) {
      const PartitionConfig& config = target.topic->config.partition;
      auto quick = prepare_quick_batch(entry.batch, config, parts_.hasher, entry.conditions);
      if (!quick.ok()) {
        request->answered(index, unprepared(std::move(quick).error(), entry.batch, config, target.runner()));
        return {};
      }
      prepared = std::move(*quick);
    }
    if (prepared && target.by_key && prepared->identities.size() * target.topic->partitions.size() > kQuickQuestions)
      prepared.reset();
    if (!prepared) {
      slow.push_back({std::move(target), index, std::string(entry.batch), std::move(entry.conditions)});
      return {};
    }
    LOGCASK_ASSIGN(const bool others_wait, append(target, std::move(*prepared), acks, *request, index));
    congested = congested || others_wait;
    return {};
  };
  for (std::size_t i = 0; i < entries.size(); ++i)
    if (auto refused = take(entries[i], i); !refused.ok()) request->refused(i, std::move(refused).error());
  if (!slow.empty()) {
    const auto part = std::make_shared<SlowPart>(
        SlowPart{*request, context.loop, acks, std::move(slow), request->hold_later_calls()});
    slow_.post([this, part] { run(*part); });
  }
  request->submitted(timeout_ms > 0 ? timeout_ms : default_timeout_ms_);
  return congested;
}

}  // namespace logcask
