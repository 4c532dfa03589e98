#pragma once
// The newest batches of a partition in memory: where an append copies its batch, what the writer hands
// to the file, and what tail readers are served from without touching the disk.
//
// A chunk is a block of memory that only ever grows at its end; readers hold a chunk by shared_ptr and
// read bytes below the end they were shown, so the appender never waits for them. Batches lie back to
// back and never span chunks. Offsets of neighbouring batches are contiguous, except after clear().
// Threads: every function is called under the partition's lock; the bytes behind returned pieces may be read without
// it. Memory: unwritten batches are always kept (admission bounds them); written ones up to `keep_bytes`, none when
// idle.

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "base/types.h"

namespace logcask {

class TailBuffer {
 public:
  // Chunks double from the first size to the full one, so that a quiet partition stays small.
  static constexpr std::size_t kFirstChunkBytes = 16u << 10;
  static constexpr std::size_t kChunkBytes = 1u << 20;

  struct Batch {
    Offset base_offset;
    Offset next_offset;
    std::uint32_t position = 0;  // in its chunk
    std::uint32_t bytes = 0;
    std::uint32_t records = 0;
    std::uint32_t tombstones = 0;
  };
  struct Chunk {
    std::unique_ptr<char[]> data;
    std::size_t capacity = 0;
    std::size_t used = 0;
    std::deque<Batch> batches;
  };

  explicit TailBuffer(std::size_t keep_bytes) : keep_bytes_(keep_bytes) {}

  // Copies a batch to the end and returns the copy, for patching before anybody else sees it.
  char* append(ByteView bytes, Batch batch);

  bool empty() const { return chunks_.empty(); }
  // Offsets the buffer holds: [first_offset, end_offset), meaningless when empty.
  Offset first_offset() const;
  std::size_t bytes() const { return bytes_; }

  // Whole batches of [from, end) with their owners; stops before `max_bytes` is passed, but yields at least one.
  struct Slice {
    std::vector<ByteView> pieces;  // one per chunk touched
    std::vector<std::shared_ptr<const void>> owners;
    std::size_t bytes = 0;
    Offset next_offset;
  };
  Slice slice(Offset from, Offset end, std::size_t max_bytes) const;

  // The batches from `from` on, for the writer: as many as fit `max_bytes`, and the first one whatever
  // its size when `at_least_one`.
  // Pointers stay valid until the batch is released or cut, which the partition does not do while a write is under way.
  struct WriteSet {
    std::vector<ByteView> pieces;
    std::vector<const Batch*> batches;
    std::vector<std::shared_ptr<const void>> owners;
    std::size_t bytes = 0;
  };
  WriteSet unwritten(Offset from, std::size_t max_bytes, bool at_least_one) const;

  // Drops batches below `written_end` beyond keep_bytes, oldest chunk first.
  void release(Offset written_end);
  // Drops everything from `from` on (a refused write). Nobody may have been shown those batches.
  void cut_from(Offset from);
  // Drops what is written, the spare chunk too: an idle partition costs nothing.
  void release_all(Offset written_end);

 private:
  struct Place {
    std::size_t chunk;
    std::size_t batch;
  };
  Place find(Offset from) const;
  std::shared_ptr<Chunk> new_chunk(std::size_t at_least);

  const std::size_t keep_bytes_;
  std::deque<std::shared_ptr<Chunk>> chunks_;
  std::shared_ptr<Chunk> spare_;
  std::size_t bytes_ = 0;
  std::size_t next_capacity_ = kFirstChunkBytes;
};

}  // namespace logcask
