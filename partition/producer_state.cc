#include "partition/producer_state.h"

#include <algorithm>
#include <iterator>

#include "base/check.h"
#include "base/coding.h"
#include "base/crc32c.h"

namespace logcask {
namespace {

constexpr std::int64_t kSequences = std::int64_t{1} << 31;  // 0 .. 2147483647, then 0 again
constexpr std::uint32_t kSnapshotMagic = 0x4c435053;        // "LCPS"
constexpr std::uint16_t kSnapshotVersion = 1;
constexpr std::size_t kChecksumBytes = 4;
constexpr TimestampMs kNeverSeen{-1};  // recovery need not know when a batch was appended

Error producer_error(Errc code, ProducerId producer, const std::string& text) {
  return Error{code, "producer " + std::to_string(producer.value()) + ": " + text};
}

Error damaged(const std::string& text) {
  return Error{Errc::corrupt_file, "producer snapshot: " + text + "; it is rebuilt from the log when removed"};
}

}  // namespace

std::int32_t ProducerState::last_sequence(std::int32_t first, std::int32_t records) {
  return static_cast<std::int32_t>((std::int64_t{first} + records - 1) % kSequences);
}

Result<std::optional<ProducerBatch>> ProducerState::check(ProducerId producer, std::int16_t epoch,
                                                          std::int32_t first_sequence, std::int32_t records,
                                                          TimestampMs now) const {
  if (producer.value() < 0 || epoch < 0 || first_sequence < 0 || records <= 0)
    return producer_error(
        Errc::invalid_argument, producer,
        "an idempotent batch needs an id, epoch and first sequence number of at least 0 and a record");
  const Producer* known = find(producer);
  if (known == nullptr) {
    if (producers_.size() < config_.max_producers) return std::optional<ProducerBatch>();
    const bool can_evict = !recency_.empty() && now.value() - recency_.front().last_seen.value() >= config_.min_idle_ms;
    if (can_evict) return std::optional<ProducerBatch>();
    return producer_error(Errc::limit_exceeded, producer,
                          "the partition remembers " + std::to_string(producers_.size()) +
                              " active producers and takes no more; try later or use fewer idempotent producers");
  }
  if (epoch < known->epoch)
    return producer_error(Errc::invalid_producer_epoch, producer,
                          "epoch " + std::to_string(epoch) + " is older than " + std::to_string(known->epoch));
  if (epoch > known->epoch) {
    if (first_sequence == 0) return std::optional<ProducerBatch>();
    return producer_error(Errc::out_of_order_sequence, producer,
                          "new epoch " + std::to_string(epoch) + " must start at sequence number 0, not " +
                              std::to_string(first_sequence));
  }
  const std::int32_t last = last_sequence(first_sequence, records);
  for (std::size_t i = 0; i < known->count; ++i)
    if (known->batches[i].first_sequence == first_sequence && known->batches[i].last_sequence == last)
      return std::optional(known->batches[i]);
  if (known->count == 0 && known->again < 0) return std::optional<ProducerBatch>();
  const std::int32_t expected =
      known->count == 0 ? known->again : last_sequence(known->batches[known->count - 1u].last_sequence, 2);
  if (first_sequence == expected) return std::optional<ProducerBatch>();
  return producer_error(
      Errc::out_of_order_sequence, producer,
      "sequence number " + std::to_string(first_sequence) + " does not follow, expected " + std::to_string(expected));
}

void ProducerState::record(ProducerId producer, std::int16_t epoch, std::int32_t first_sequence, std::int32_t records,
                           Offset first_offset, Offset last_offset, TimestampMs now) {
  Producer& known = find_or_add(producer);
  if (epoch < known.epoch) return;
  if (epoch > known.epoch) known.count = 0;
  known.epoch = epoch;
  known.again = -1;
  known.last_seen = now;
  if (known.count == kBatchesKept)
    std::move(known.batches + 1, known.batches + kBatchesKept, known.batches);
  else
    ++known.count;
  known.batches[known.count - 1u] = {first_sequence, last_sequence(first_sequence, records), first_offset, last_offset,
                                     now};
}

std::size_t ProducerState::expire(TimestampMs now) {
  std::size_t expired = 0;
  while (!recency_.empty() && now.value() - recency_.front().last_seen.value() > config_.expiration_ms) {
    forget_longest_idle();
    ++expired;
  }
  return expired;
}

void ProducerState::truncate_from(Offset offset) {
  for (Producer& producer : recency_)
    while (producer.count > 0 && producer.batches[producer.count - 1u].last_offset >= offset) --producer.count;
}

void ProducerState::expect_again(ProducerId producer, std::int16_t epoch, std::int32_t first_sequence) {
  const auto found = producers_.find(producer);
  if (found == producers_.end()) return;
  Producer& known = *found->second;
  if (known.epoch == epoch && known.count == 0 && known.again < 0) known.again = first_sequence;
}

void ProducerState::clear() {
  producers_.clear();
  recency_.clear();
}

std::vector<ProducerTail> ProducerState::last_offsets() const {
  std::vector<ProducerTail> tails;
  tails.reserve(recency_.size());
  for (const Producer& producer : recency_) {
    if (producer.count == 0) continue;
    const ProducerBatch& last = producer.batches[producer.count - 1u];
    tails.push_back({last.last_offset, producer.id, producer.epoch, last.last_sequence, last.timestamp});
  }
  std::sort(tails.begin(), tails.end(),
            [](const ProducerTail& a, const ProducerTail& b) { return a.last_offset < b.last_offset; });
  return tails;
}

const ProducerState::Producer* ProducerState::find(ProducerId producer) const {
  const auto found = producers_.find(producer);
  return found == producers_.end() ? nullptr : &*found->second;
}

// The producer, now the most recent one.
ProducerState::Producer& ProducerState::find_or_add(ProducerId producer) {
  const auto found = producers_.find(producer);
  if (found != producers_.end()) {
    recency_.splice(recency_.end(), recency_, found->second);
    return recency_.back();
  }
  while (!recency_.empty() && producers_.size() >= config_.max_producers) forget_longest_idle();
  recency_.emplace_back().id = producer;
  producers_.emplace(producer, std::prev(recency_.end()));
  return recency_.back();
}

void ProducerState::forget_longest_idle() {
  producers_.erase(recency_.front().id);
  recency_.pop_front();
}

// ---- snapshot: magic u32, version u16, covered i64, producers u32, then per producer (longest idle
// first) id i64, epoch i16, last seen i64, batches u8 and per batch first and last sequence i32, first
// and last offset i64, append time i64; CRC-32C of all that u32. Big-endian.

std::string ProducerState::encode_snapshot(Offset covered) const {
  std::string bytes;
  ByteWriter out(bytes);
  out.fixed(kSnapshotMagic);
  out.fixed(kSnapshotVersion);
  out.fixed(covered.value());
  out.fixed(static_cast<std::uint32_t>(recency_.size()));
  for (const Producer& producer : recency_) {
    out.fixed(producer.id.value());
    out.fixed(producer.epoch);
    out.fixed(producer.last_seen.value());
    out.fixed(producer.count);
    for (std::size_t i = 0; i < producer.count; ++i) {
      const ProducerBatch& batch = producer.batches[i];
      out.fixed(batch.first_sequence);
      out.fixed(batch.last_sequence);
      out.fixed(batch.first_offset.value());
      out.fixed(batch.last_offset.value());
      out.fixed(batch.timestamp.value());
    }
  }
  out.fixed(crc32c(bytes));
  return bytes;
}

Result<ProducerState::Snapshot> ProducerState::decode_snapshot(ByteView bytes, ProducerStateConfig config) {
  if (bytes.size() < kChecksumBytes) return damaged("too short");
  const ByteView body = bytes.substr(0, bytes.size() - kChecksumBytes);
  if (load_be<std::uint32_t>(bytes.data() + body.size()) != crc32c(body)) return damaged("checksum does not match");
  ByteReader in(body);
  if (in.fixed<std::uint32_t>() != kSnapshotMagic) return damaged("not a producer snapshot");
  if (in.fixed<std::uint16_t>() != kSnapshotVersion) return damaged("of a version this build does not know");
  Snapshot snapshot{ProducerState(config), Offset(in.fixed<std::int64_t>())};
  const auto producers = in.fixed<std::uint32_t>();
  for (std::uint32_t n = 0; n < producers && in.ok(); ++n) {
    const ProducerId id(in.fixed<std::int64_t>());
    if (snapshot.state.find(id) != nullptr) return damaged("a producer is named twice");
    Producer& producer = snapshot.state.find_or_add(id);
    producer.epoch = in.fixed<std::int16_t>();
    producer.last_seen = TimestampMs(in.fixed<std::int64_t>());
    producer.count = in.fixed<std::uint8_t>();
    if (producer.count > kBatchesKept) return damaged("a producer has too many batches");
    // Ages are reckoned from it.
    if (producer.last_seen < kNeverSeen) return damaged("a producer was last seen at an impossible time");
    for (std::size_t i = 0; i < producer.count; ++i) {
      ProducerBatch& batch = producer.batches[i];
      batch.first_sequence = in.fixed<std::int32_t>();
      batch.last_sequence = in.fixed<std::int32_t>();
      batch.first_offset = Offset(in.fixed<std::int64_t>());
      batch.last_offset = Offset(in.fixed<std::int64_t>());
      batch.timestamp = TimestampMs(in.fixed<std::int64_t>());
    }
  }
  if (!in.at_end()) return damaged("its length does not match its contents");
  return snapshot;
}

void ProducerState::cap_last_seen(TimestampMs now) {
  for (Producer& producer : recency_) producer.last_seen = std::min(producer.last_seen, now);
}

std::string producer_snapshot_filename(Offset end) {
  std::string digits = std::to_string(end.value());
  return std::string(20 - digits.size(), '0') + digits + ".producers";
}

}  // namespace logcask
