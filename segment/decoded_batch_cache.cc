#include "segment/decoded_batch_cache.h"

#include <algorithm>

namespace logcask {

Result<std::shared_ptr<const DecodedBatch>> DecodedBatch::decode(const BatchHeader& header, ByteView batch,
                                                                 std::size_t max_bytes) {
  auto decoded = std::make_shared<DecodedBatch>();
  decoded->header_ = header;
  LOGCASK_ASSIGN(const ByteView records, batch_records(header, batch, max_bytes, decoded->records_));
  if (header.compression() == Compression::none) decoded->records_ = records;
  RecordCursor cursor(header, decoded->records_);
  RecordView record;
  while (true) {
    LOGCASK_ASSIGN(const bool more, cursor.next(record));
    if (!more) break;
    const auto delta = static_cast<std::uint32_t>(record.offset - header.base_offset);
    if (!decoded->marks_.empty() && delta <= decoded->marks_.back().offset_delta)
      return Error{Errc::corrupt_message, "its record offsets do not rise"};
    decoded->marks_.push_back({delta, record.position});
  }
  decoded->records_.shrink_to_fit();
  decoded->marks_.shrink_to_fit();
  return std::shared_ptr<const DecodedBatch>(std::move(decoded));
}

Result<RecordView> DecodedBatch::record(Offset offset) const {
  const std::int64_t delta = offset - header_.base_offset;
  const auto found = std::partition_point(marks_.begin(), marks_.end(),
                                          [&](const Mark& mark) { return std::int64_t{mark.offset_delta} < delta; });
  if (found == marks_.end() || found->offset_delta != delta)
    return Error{Errc::not_found, "no record at offset " + std::to_string(offset.value())};
  RecordCursor cursor(header_, records_, found->position);
  RecordView record;
  LOGCASK_ASSIGN(const bool more, cursor.next(record));
  LOGCASK_CHECK(more);
  return record;
}

std::size_t DecodedBatch::memory_bytes() const {
  constexpr std::size_t kBookkeeping = 256;  // list node, hash node, control block
  return records_.capacity() + marks_.capacity() * sizeof(Mark) + sizeof(DecodedBatch) + kBookkeeping;
}

std::shared_ptr<const DecodedBatch> DecodedBatchCache::find(std::uint64_t segment, std::uint64_t position) {
  const Key key{segment, position};
  Shard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.slots.find(key);
  if (found == shard.slots.end()) return nullptr;
  shard.newest_first.splice(shard.newest_first.begin(), shard.newest_first, found->second);
  return found->second->batch;
}

void DecodedBatchCache::insert(std::uint64_t segment, std::uint64_t position,
                               std::shared_ptr<const DecodedBatch> batch) {
  const Key key{segment, position};
  const std::size_t size = batch->memory_bytes();
  if (size > shard_bytes_) return;
  std::list<Slot> dropped;  // freed after the lock
  Shard& shard = shard_of(key);
  const std::lock_guard lock(shard.mutex);
  if (shard.slots.contains(key)) return;  // another thread was first
  shard.newest_first.push_front({key, std::move(batch)});
  shard.slots.emplace(key, shard.newest_first.begin());
  shard.bytes += size;
  while (shard.bytes > shard_bytes_) {
    const auto oldest = std::prev(shard.newest_first.end());
    shard.bytes -= oldest->batch->memory_bytes();
    shard.slots.erase(oldest->key);
    dropped.splice(dropped.begin(), shard.newest_first, oldest);
  }
}

std::size_t DecodedBatchCache::bytes() const {
  std::size_t sum = 0;
  for (const Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    sum += shard.bytes;
  }
  return sum;
}

}  // namespace logcask
