#pragma once
// Memory for every keydir of the broker: runs of 4 KiB pages whose addresses are contiguous and
// whose memory is taken page by page.
//
// An extent is 16 pages (64 KiB) of address space. Its owner says how many of its leading pages it
// uses; only those cost memory, so a table in it grows by one page without moving, and what it gives
// up goes back to the operating system at once. Fresh pages read as zero. Chunks of extents are
// mapped with huge pages off, because a huge page would back the pages nobody uses yet.
//
// Owner: the broker has one. Threads: any; one mutex, taken per extent and never per page.
// Limits: none of its own, KeydirBudget bounds what is asked for; running out of address space or
// memory ends the process, as it does for operator new.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

namespace logcask {

class PageArena {
 public:
  static constexpr std::size_t kPageBytes = 4096;
  static constexpr std::size_t kExtentPages = 16;
  static constexpr std::size_t kExtentBytes = kExtentPages * kPageBytes;
  static constexpr std::size_t kChunkExtents = 64;  // 4 MiB of address space
  static constexpr std::size_t kChunkBytes = kChunkExtents * kExtentBytes;

  PageArena() = default;
  ~PageArena();  // every extent must have been released
  PageArena(const PageArena&) = delete;
  PageArena& operator=(const PageArena&) = delete;

  // Address space for `max_pages` pages, none of them in use, aligned to 64 KiB. More than
  // kExtentPages is possible (a mapping of its own) and rare.
  std::byte* reserve(std::size_t max_pages = kExtentPages);
  // Gives the extent back; `used_pages` are the leading pages in use until now.
  void release(std::byte* extent, std::size_t used_pages, std::size_t max_pages = kExtentPages);

  // The number of leading pages in use goes from `from` up to `to`: counted, touched by the owner.
  void grow(std::size_t from, std::size_t to);
  // ... or down: pages [to, from) lose their contents and their memory.
  void shrink(std::byte* extent, std::size_t from, std::size_t to);

  // Memory of all pages in use, exactly.
  std::uint64_t bytes_in_use() const { return pages_in_use_.load(std::memory_order_relaxed) * kPageBytes; }
  // Address space held, in use or not.
  std::uint64_t bytes_mapped() const;

 private:
  struct Chunk {
    std::byte* begin;
    std::size_t free_extents;
  };
  void add_chunk();
  std::size_t chunk_of(const std::byte* extent) const;
  void drop_chunk(std::size_t index);

  mutable std::mutex mutex_;
  std::vector<Chunk> chunks_;     // sorted by address
  std::vector<std::byte*> free_;  // extents without memory, ready to hand out
  std::size_t empty_chunks_ = 0;  // chunks all of whose extents are free; at most one is kept
  std::uint64_t large_bytes_ = 0;
  std::atomic<std::uint64_t> pages_in_use_{0};
};

}  // namespace logcask
