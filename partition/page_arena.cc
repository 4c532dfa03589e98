#include "partition/page_arena.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "base/check.h"

namespace logcask {
namespace {

std::byte* map_bytes(std::size_t bytes) {
  void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  LOGCASK_CHECK(at != MAP_FAILED);
  return static_cast<std::byte*>(at);
}

// Address space for `bytes`, aligned to an extent, huge pages off.
std::byte* map_aligned(std::size_t bytes) {
  std::byte* raw = map_bytes(bytes + PageArena::kExtentBytes);
  const auto address = reinterpret_cast<std::uintptr_t>(raw);
  const std::size_t head = (PageArena::kExtentBytes - address % PageArena::kExtentBytes) % PageArena::kExtentBytes;
  if (head > 0) munmap(raw, head);
  std::byte* begin = raw + head;
  munmap(begin + bytes, PageArena::kExtentBytes - head);
  madvise(begin, bytes, MADV_NOHUGEPAGE);  // fails where the kernel has none; then none appear
  return begin;
}

// Drops the memory of [begin, end), which reads as zero afterwards. On kernels with larger pages only
// whole ones can go; the rest is cleared.
void give_back(std::byte* begin, std::byte* end) {
  static const std::size_t system_page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const auto from = (reinterpret_cast<std::uintptr_t>(begin) + system_page - 1) / system_page * system_page;
  const auto to = reinterpret_cast<std::uintptr_t>(end) / system_page * system_page;
  if (from >= to) {
    std::fill(begin, end, std::byte{0});
    return;
  }
  std::byte* inner_begin = reinterpret_cast<std::byte*>(from);
  std::byte* inner_end = reinterpret_cast<std::byte*>(to);
  std::fill(begin, inner_begin, std::byte{0});
  std::fill(inner_end, end, std::byte{0});
  LOGCASK_CHECK(madvise(inner_begin, to - from, MADV_DONTNEED) == 0);
}

}  // namespace

PageArena::~PageArena() {
  LOGCASK_CHECK(pages_in_use_.load() == 0);
  for (const Chunk& chunk : chunks_) munmap(chunk.begin, kChunkBytes);
}

std::byte* PageArena::reserve(std::size_t max_pages) {
  const std::lock_guard lock(mutex_);
  if (max_pages > kExtentPages) {
    large_bytes_ += max_pages * kPageBytes;
    return map_aligned(max_pages * kPageBytes);
  }
  if (free_.empty()) add_chunk();
  std::byte* extent = free_.back();
  free_.pop_back();
  Chunk& chunk = chunks_[chunk_of(extent)];
  if (chunk.free_extents == kChunkExtents) --empty_chunks_;
  --chunk.free_extents;
  return extent;
}

void PageArena::release(std::byte* extent, std::size_t used_pages, std::size_t max_pages) {
  pages_in_use_.fetch_sub(used_pages, std::memory_order_relaxed);
  if (max_pages > kExtentPages) {
    munmap(extent, max_pages * kPageBytes);
    const std::lock_guard lock(mutex_);
    large_bytes_ -= max_pages * kPageBytes;
    return;
  }
  if (used_pages > 0) give_back(extent, extent + used_pages * kPageBytes);
  const std::lock_guard lock(mutex_);
  free_.push_back(extent);
  const std::size_t index = chunk_of(extent);
  if (++chunks_[index].free_extents < kChunkExtents) return;
  if (empty_chunks_ > 0) {
    drop_chunk(index);
  } else {
    ++empty_chunks_;
  }
}

void PageArena::grow(std::size_t from, std::size_t to) {
  pages_in_use_.fetch_add(to - from, std::memory_order_relaxed);
}

void PageArena::shrink(std::byte* extent, std::size_t from, std::size_t to) {
  give_back(extent + to * kPageBytes, extent + from * kPageBytes);
  pages_in_use_.fetch_sub(from - to, std::memory_order_relaxed);
}

std::uint64_t PageArena::bytes_mapped() const {
  const std::lock_guard lock(mutex_);
  return chunks_.size() * kChunkBytes + large_bytes_;
}

void PageArena::add_chunk() {
  std::byte* begin = map_aligned(kChunkBytes);
  const auto at = std::upper_bound(chunks_.begin(), chunks_.end(), begin,
                                   [](const std::byte* a, const Chunk& b) { return a < b.begin; });
  chunks_.insert(at, Chunk{begin, kChunkExtents});
  ++empty_chunks_;
  for (std::size_t i = kChunkExtents; i > 0; --i) free_.push_back(begin + (i - 1) * kExtentBytes);
}

std::size_t PageArena::chunk_of(const std::byte* extent) const {
  const auto after = std::upper_bound(chunks_.begin(), chunks_.end(), extent,
                                      [](const std::byte* a, const Chunk& b) { return a < b.begin; });
  return static_cast<std::size_t>(after - chunks_.begin()) - 1;
}

void PageArena::drop_chunk(std::size_t index) {
  std::byte* begin = chunks_[index].begin;
  std::erase_if(free_, [begin](const std::byte* extent) { return extent >= begin && extent < begin + kChunkBytes; });
  chunks_.erase(chunks_.begin() + static_cast<std::ptrdiff_t>(index));
  munmap(begin, kChunkBytes);
}

}  // namespace logcask
