#include "segment/crc_bitmap.h"

namespace logcask {
namespace {

// Installs a new T in `slot` unless another thread was first; returns what is there then.
template <class T>
T* install(std::atomic<T*>& slot) {
  T* fresh = new T();
  T* expected = nullptr;
  if (slot.compare_exchange_strong(expected, fresh, std::memory_order_acq_rel)) return fresh;
  delete fresh;
  return expected;
}

}  // namespace

CrcBitmap::~CrcBitmap() {
  Table* table = table_.load(std::memory_order_acquire);
  if (!table) return;
  for (auto& chunk : table->chunks) delete chunk.load(std::memory_order_relaxed);
  delete table;
}

bool CrcBitmap::marked(std::uint64_t position) const {
  if (position > kMaxSegmentBytes) return false;
  const std::uint64_t bit = position / kBytesPerBit;
  const Table* table = table_.load(std::memory_order_acquire);
  if (!table) return false;
  const Chunk* chunk = table->chunks[bit / kChunkBits].load(std::memory_order_acquire);
  if (!chunk) return false;
  const std::uint64_t word = chunk->words[bit % kChunkBits / 64].load(std::memory_order_relaxed);
  return (word >> (bit % 64)) & 1;
}

void CrcBitmap::mark(std::uint64_t position) {
  if (position > kMaxSegmentBytes) return;
  const std::uint64_t bit = position / kBytesPerBit;
  Table* table = table_.load(std::memory_order_acquire);
  if (!table) table = install(table_);
  Chunk* chunk = table->chunks[bit / kChunkBits].load(std::memory_order_acquire);
  if (!chunk) chunk = install(table->chunks[bit / kChunkBits]);
  chunk->words[bit % kChunkBits / 64].fetch_or(std::uint64_t{1} << (bit % 64), std::memory_order_relaxed);
}

}  // namespace logcask
