#pragma once
// A stretch of a log file's records in memory, each found by its offset in O(1): what a lookup reads once and later
// lookups find in the RecordCache. Either one compressed batch, decompressed, or what lies between two index entries
// (about 4 KiB) of uncompressed ones.
//
// Immutable once made, shared by RecordBlockPtr, safe from any thread. Only bytes whose batch CRC held become a block.
// One piece of memory, so that a lookup misses few pages and cache lines: 64 bytes, then 4 bytes a record (8 where
// offsets have holes), 24 for every batch but the first, the records.

#include <atomic>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "proto/record_batch.h"

namespace logcask {

class RecordBlock;

// Shared ownership with the count in the block itself.
class RecordBlockPtr {
 public:
  RecordBlockPtr() = default;
  RecordBlockPtr(const RecordBlockPtr& other);
  RecordBlockPtr(RecordBlockPtr&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  RecordBlockPtr& operator=(RecordBlockPtr other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~RecordBlockPtr();

  explicit operator bool() const { return block_ != nullptr; }
  const RecordBlock* get() const { return block_; }
  const RecordBlock* operator->() const { return block_; }
  const RecordBlock& operator*() const { return *block_; }

 private:
  friend class RecordBlockBuilder;
  explicit RecordBlockPtr(const RecordBlock* block) : block_(block) {}
  const RecordBlock* block_ = nullptr;
};

class alignas(64) RecordBlock {
 public:
  // A whole batch whose CRC holds, compressed or not. corrupt_message when its records are not sound,
  // message_too_large when it would decompress to more than `max_bytes`.
  static Result<RecordBlockPtr> of_batch(const BatchHeader& header, ByteView batch, std::size_t max_bytes);

  RecordBlock(const RecordBlock&) = delete;
  RecordBlock& operator=(const RecordBlock&) = delete;

  // Is the answer for `offset` to be had here: the record, or that there is none?
  bool covers(Offset offset) const { return offset >= first_ && offset < end_; }
  // False when there is no record of that offset. The view points into this object.
  bool find(Offset offset, RecordView& record) const;
  std::size_t memory_bytes() const { return memory_bytes_; }

  // Start fetching what find(offset) will read: first its mark, some time later the record.
  [[gnu::always_inline]] void prefetch_mark(Offset offset) const {
    if (has_mark(offset)) __builtin_prefetch(positions() + (offset - first_));
  }
  [[gnu::always_inline]] void prefetch_record(Offset offset) const {
    if (!has_mark(offset)) return;
    const char* at = memory() + records_at_ + positions()[offset - first_];
    for (int line = 0; line < 3; ++line) __builtin_prefetch(at + 64 * line);
  }

 private:
  friend class RecordBlockBuilder;
  friend class RecordBlockPtr;
  // Records of one batch, from the mark `first_mark` to the next run's.
  struct Run {
    Offset base;
    TimestampMs timestamp;  // base timestamp; the append time when `append_time`
    std::uint32_t first_mark;
    std::uint32_t last_delta : 31;
    std::uint32_t append_time : 1;
  };

  RecordBlock() = default;
  ~RecordBlock() = default;
  const char* memory() const { return reinterpret_cast<const char*>(this + 1); }
  const std::uint32_t* positions() const { return reinterpret_cast<const std::uint32_t*>(this + 1); }
  const std::uint32_t* deltas() const { return positions() + count_; }
  const Run* more_runs() const { return reinterpret_cast<const Run*>(memory() + runs_at_); }
  ByteView records() const { return {memory() + records_at_, memory_bytes_ - sizeof(RecordBlock) - records_at_}; }
  // Offsets without holes: the mark is found by subtraction.
  bool dense() const { return dense_; }
  bool has_mark(Offset offset) const { return dense() && covers(offset) && offset - first_ < count_; }
  const Run& run_of(std::uint32_t mark) const;

  mutable std::atomic<std::uint32_t> references_{1};
  std::uint32_t count_ = 0;         // records
  std::uint32_t memory_bytes_ = 0;  // of all of it
  // Behind this object: positions in records(), offset - first_ of each unless dense, runs, records.
  std::uint32_t runs_at_ = 0;
  std::uint32_t records_at_ = 0;
  std::uint32_t more_run_count_ : 31 = 0;
  std::uint32_t dense_ : 1 = 0;
  Offset first_;  // of the first record
  Offset end_;
  Run run_{};  // the first one: nearly always the only one
};

// Batches in the order of their offsets, then finish().
class RecordBlockBuilder {
 public:
  // From here on records belong to this batch.
  void start_batch(const BatchHeader& header);
  // `position`: of its length varint in the bytes given to finish(). False when offsets do not rise, or are too far.
  bool add(Offset offset, std::size_t position);
  std::size_t records() const { return positions_.size(); }
  // `end`: one past the last offset the block speaks for. Null when it would be larger than 2 GiB.
  RecordBlockPtr finish(ByteView bytes, Offset end) const;

 private:
  std::vector<std::uint32_t> positions_;
  std::vector<std::uint32_t> deltas_;
  std::vector<RecordBlock::Run> runs_;
  Offset first_;
};

}  // namespace logcask
