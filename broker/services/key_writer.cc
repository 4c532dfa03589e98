#include "broker/services/key_writer.h"

#include <deque>
#include <utility>

#include "broker/services/authorized_topic.h"
#include "proto/batch_builder.h"
#include "proto/partitioner.h"

namespace logcask {
namespace {

// Places that a write is sent on to because the key has moved meanwhile, beside one per partition.
constexpr std::size_t kMovesMax = 16;

}  // namespace

// Kept by the produce call that is under way.
class KeyWriter::Open : public std::enable_shared_from_this<KeyWriter::Open> {
 public:
  Open(KeyWriter& writer, const CallContext& context, KeyWrite write, Done done)
      : writer_(writer), context_(context), write_(std::move(write)), done_(std::move(done)) {}

  void start() {
    const auto topic = authorized_topic(writer_.parts_, context_, Operation::write, write_.topic);
    if (!topic.ok()) return end(topic.error());
    written_.topic_id = (*topic)->record.id;
    if (!write_.topic_id) write_.topic_id = written_.topic_id;
    moves_left_ = kMovesMax + (*topic)->partitions.size();
    if (write_.condition_partition) return send(*write_.condition_partition);
    send(partition_for_key((*topic)->config.partitioner, write_.key, static_cast<int>((*topic)->partitions.size())));
  }

 private:
  class Call;

  void send(PartitionId partition);
  void answered(PartitionId partition, AppendResult& result);
  void end(Status status) {
    written_.status = std::move(status);
    done_(written_);
  }

  KeyWriter& writer_;
  const CallContext context_;
  KeyWrite write_;
  const Done done_;
  KeyWritten written_;
  std::deque<PartitionId> also_;  // where the tombstone goes, too
  std::size_t moves_left_ = 0;
};

class KeyWriter::Open::Call final : public ProduceCall {
 public:
  Call(std::shared_ptr<Open> open, PartitionId partition) : open_(std::move(open)), partition_(partition) {}
  void completed(std::vector<AppendResult>& results) override { open_->answered(partition_, results.front()); }
  std::function<void()> hold_later_calls() override {
    return [] {};
  }

 private:
  const std::shared_ptr<Open> open_;
  const PartitionId partition_;
};

void KeyWriter::Open::send(PartitionId partition) {
  BatchBuilder builder(Offset(0));
  builder.add(Offset(0), writer_.parts_.clock.wall_ms(), ByteView(write_.key),
              write_.value ? std::optional<ByteView>(*write_.value) : std::nullopt);
  std::string batch;
  if (auto built = builder.finish(batch); !built.ok()) return end(std::move(built));
  ProduceEntry entry;
  entry.topic = write_.topic;
  entry.partition = partition;
  entry.batch = batch;
  if (write_.condition) entry.conditions.push_back(*write_.condition);
  entry.topic_id = write_.topic_id;
  entry.by_key = true;
  writer_.produce_.produce(context_, std::span(&entry, 1), Acks::all, 0,
                           std::make_unique<Call>(shared_from_this(), partition));
}

void KeyWriter::Open::answered(PartitionId partition, AppendResult& result) {
  const Errc code = result.error.code();
  const bool stands_elsewhere = code == Errc::wrong_partition && !result.elsewhere.empty();
  if (write_.condition_partition && (stands_elsewhere || code == Errc::unknown_partition))
    return end(Error{Errc::condition_failed, "the key's latest record is not in partition " +
                                                 std::to_string(partition.value()) + " of topic '" + write_.topic +
                                                 "'"});
  if (stands_elsewhere && moves_left_ > 0) {
    --moves_left_;
    const PartitionId home = result.elsewhere.front().partition;
    // Not from within the call that has just ended.
    return context_.loop.post([self = shared_from_this(), home] { self->send(home); });
  }
  if (!result.error.ok()) {
    written_.current_offset = result.current_offset;
    written_.current_is_tombstone = result.current_is_tombstone;
    if (written_.offset == kNoOffset) written_.partition = partition;
    return end(std::move(result.error));
  }
  if (written_.offset == kNoOffset) {
    written_.partition = partition;
    written_.offset = result.base_offset;
    written_.ambiguous = !result.ambiguous_records.empty();
    for (const AppendResult::Elsewhere& place : result.elsewhere) also_.push_back(place.partition);
  }
  if (also_.empty()) return end({});
  const PartitionId next = also_.front();
  also_.pop_front();
  write_.condition.reset();  // was about the first
  context_.loop.post([self = shared_from_this(), next] { self->send(next); });
}

void KeyWriter::write(const CallContext& context, KeyWrite write, Done done) {
  std::make_shared<Open>(*this, context, std::move(write), std::move(done))->start();
}

}  // namespace logcask
