#include "partition/tail_buffer.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"

namespace logcask {

char* TailBuffer::append(ByteView bytes, Batch batch) {
  if (chunks_.empty() || chunks_.back()->capacity - chunks_.back()->used < bytes.size())
    chunks_.push_back(new_chunk(bytes.size()));
  Chunk& chunk = *chunks_.back();
  char* at = chunk.data.get() + chunk.used;
  std::memcpy(at, bytes.data(), bytes.size());
  batch.position = static_cast<std::uint32_t>(chunk.used);
  batch.bytes = static_cast<std::uint32_t>(bytes.size());
  chunk.used += bytes.size();
  bytes_ += bytes.size();
  chunk.batches.push_back(std::move(batch));
  return at;
}

std::shared_ptr<TailBuffer::Chunk> TailBuffer::new_chunk(std::size_t at_least) {
  // A spare is reused only when no reader holds it any more: memory touched before is much cheaper than fresh memory.
  if (spare_ && spare_.use_count() == 1 && spare_->capacity >= at_least) {
    auto chunk = std::move(spare_);
    chunk->used = 0;
    chunk->batches.clear();
    return chunk;
  }
  auto chunk = std::make_shared<Chunk>();
  chunk->capacity = std::max(at_least, next_capacity_);
  chunk->data = std::make_unique_for_overwrite<char[]>(chunk->capacity);
  next_capacity_ = std::min(next_capacity_ * 2, kChunkBytes);
  return chunk;
}

Offset TailBuffer::first_offset() const {
  LOGCASK_CHECK(!chunks_.empty());
  return chunks_.front()->batches.front().base_offset;
}

// The batch that holds or follows `from`; chunk == chunks_.size() when there is none.
TailBuffer::Place TailBuffer::find(Offset from) const {
  const auto chunk = std::partition_point(chunks_.begin(), chunks_.end(), [from](const std::shared_ptr<Chunk>& c) {
    return c->batches.back().next_offset <= from;
  });
  if (chunk == chunks_.end()) return {chunks_.size(), 0};
  const auto& batches = (*chunk)->batches;
  const auto batch =
      std::partition_point(batches.begin(), batches.end(), [from](const Batch& b) { return b.next_offset <= from; });
  return {static_cast<std::size_t>(chunk - chunks_.begin()), static_cast<std::size_t>(batch - batches.begin())};
}

TailBuffer::Slice TailBuffer::slice(Offset from, Offset end, std::size_t max_bytes) const {
  Slice slice;
  slice.next_offset = from;
  const Place start = find(from);
  bool full = false;
  for (std::size_t c = start.chunk; c < chunks_.size() && !full; ++c) {
    const Chunk& chunk = *chunks_[c];
    const std::size_t first = c == start.chunk ? start.batch : 0;
    std::size_t bytes = 0;
    for (std::size_t b = first; b < chunk.batches.size(); ++b) {
      const Batch& batch = chunk.batches[b];
      full = batch.next_offset > end || (slice.bytes + bytes > 0 && slice.bytes + bytes + batch.bytes > max_bytes);
      if (full) break;
      bytes += batch.bytes;
      slice.next_offset = batch.next_offset;
    }
    if (bytes == 0) break;
    slice.pieces.emplace_back(chunk.data.get() + chunk.batches[first].position, bytes);
    slice.owners.push_back(chunks_[c]);
    slice.bytes += bytes;
  }
  return slice;
}

TailBuffer::WriteSet TailBuffer::unwritten(Offset from, std::size_t max_bytes, bool at_least_one) const {
  WriteSet set;
  const Place start = find(from);
  for (std::size_t c = start.chunk; c < chunks_.size(); ++c) {
    const Chunk& chunk = *chunks_[c];
    const std::size_t first = c == start.chunk ? start.batch : 0;
    std::size_t bytes = 0;
    std::size_t b = first;
    for (; b < chunk.batches.size(); ++b) {
      const bool first_of_all = set.batches.empty() && at_least_one;
      if (!first_of_all && set.bytes + bytes + chunk.batches[b].bytes > max_bytes) break;
      bytes += chunk.batches[b].bytes;
      set.batches.push_back(&chunk.batches[b]);
    }
    if (bytes > 0) {
      set.pieces.emplace_back(chunk.data.get() + chunk.batches[first].position, bytes);
      set.owners.push_back(chunks_[c]);
      set.bytes += bytes;
    }
    if (b < chunk.batches.size()) break;
  }
  return set;
}

void TailBuffer::release(Offset written_end) {
  while (!chunks_.empty() && bytes_ > keep_bytes_ && chunks_.front()->batches.back().next_offset <= written_end) {
    bytes_ -= chunks_.front()->used;
    spare_ = std::move(chunks_.front());
    chunks_.pop_front();
  }
}

void TailBuffer::cut_from(Offset from) {
  while (!chunks_.empty()) {
    Chunk& chunk = *chunks_.back();
    while (!chunk.batches.empty() && chunk.batches.back().base_offset >= from) {
      chunk.used = chunk.batches.back().position;
      bytes_ -= chunk.batches.back().bytes;
      chunk.batches.pop_back();
    }
    if (!chunk.batches.empty()) return;
    chunks_.pop_back();
  }
}

void TailBuffer::release_all(Offset written_end) {
  while (!chunks_.empty() && chunks_.front()->batches.back().next_offset <= written_end) {
    bytes_ -= chunks_.front()->used;
    chunks_.pop_front();
  }
  spare_.reset();
  if (chunks_.empty()) next_capacity_ = kFirstChunkBytes;
}

}  // namespace logcask
