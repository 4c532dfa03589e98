#pragma once
// The sparse index of one log file: where to start reading for an offset.
//
// An entry at least every 4 KiB of file. Inside an uncompressed batch entries point at records, so that a lookup
// in a 1 MiB batch reads 4 KiB; a compressed batch has entries at its start only. Besides, per file:
//   GEN 0: the list of leader-epoch changes. With base offsets that must be contiguous and the batch CRC this
//          covers every byte of a header.
//   GEN > 0: per batch a CRC32C of its header: the 21 bytes that the batch CRC does not cover (offsets have holes
//          there, so the chain proves nothing) and the other 40, so that a batch can be stepped over by its header.
//
// Of batches with record entries the header fields that decoding a record needs are kept, so that a lookup reads the
// file once.
// 12 bytes of memory an entry (about 0.3 % of the file), 24 per batch above 4 KiB, 8 more per batch when GEN > 0.
// Derived: can always be rebuilt from the log. Threads: not safe while add_batch runs; const calls are, otherwise.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "proto/record_batch.h"
#include "segment/segment_facts.h"

namespace logcask {

inline constexpr std::uint32_t kIndexIntervalBytes = 4096;

struct IndexEntry {
  Offset offset;                      // of the record (or the batch's base offset) at record_position
  std::uint64_t record_position = 0;  // == batch_position: the batch's start; else a record's length varint
  std::uint64_t batch_position = 0;
  bool at_batch_start() const { return record_position == batch_position; }
};

class OffsetIndex {
 public:
  explicit OffsetIndex(SegmentName name) : name_(name) {}

  // Batches in file order. `batch` is the whole batch and sound; its records are walked to place entries.
  void add_batch(const BatchHeader& header, std::uint64_t position, ByteView batch);

  // The last entry at or below `offset` (the first one when all lie above); empty when there are no entries.
  // `next` receives the entry after it; empty when it is the last.
  std::optional<IndexEntry> find(Offset offset, std::optional<IndexEntry>* next = nullptr) const;

  // The last entry at or below `offset` that is a batch's start. Every batch with record entries has one.
  std::optional<IndexEntry> find_batch(Offset offset) const;

  // What decoding needs of the header of the batch that a record entry lies in: base offset, length, last offset,
  // the timestamp that counts and its type; the other fields are not those of the file.
  BatchHeader large_batch(const IndexEntry& entry) const;

  // Is this the header that was written at `position`? Compares the leader epoch (GEN 0) or the header's checksum
  // (GEN > 0; `raw` starts with the 61 header bytes). False = damaged.
  bool header_holds(const BatchHeader& header, ByteView raw, std::uint64_t position) const;

  SegmentName name() const { return name_; }
  std::size_t entry_count() const { return entries_.size(); }
  IndexEntry entry(std::size_t i) const;
  std::size_t memory_bytes() const;

  // The content of the .index file. decode refuses (corrupt_file) a file that is damaged, of another version, whose
  // name, size or digest are not those of `facts`, or whose entries cannot all be true of such a log.
  std::string encode(const SegmentFacts& facts) const;
  static Result<OffsetIndex> decode(ByteView file, const SegmentFacts& facts);

 private:
  struct Entry {
    std::uint32_t offset_delta;
    std::uint32_t record_position;
    std::uint32_t batch_position;
  };
  struct EpochChange {
    std::uint32_t position;  // of the first batch with this epoch
    std::int32_t epoch;
  };
  struct HeaderSum {
    std::uint32_t position;
    std::uint32_t crc;
  };
  struct LargeBatch {
    std::uint32_t position;
    std::uint32_t offset_delta;
    std::uint32_t length_and_type;  // top bit: LogAppendTime
    std::uint32_t last_offset_delta;
    std::uint32_t timestamp_high;  // base timestamp; max timestamp when LogAppendTime
    std::uint32_t timestamp_low;
  };
  void add_entry(Offset offset, std::uint64_t record_position, std::uint64_t batch_position);
  void add_large_batch(const BatchHeader& header, std::uint64_t position);
  void add_record_entries(const BatchHeader& header, std::uint64_t position, ByteView batch);
  bool sound(const SegmentFacts& facts) const;

  SegmentName name_;
  std::vector<Entry> entries_;
  std::vector<LargeBatch> large_batches_;
  std::vector<EpochChange> epochs_;     // GEN 0
  std::vector<HeaderSum> header_sums_;  // GEN > 0
};

}  // namespace logcask
