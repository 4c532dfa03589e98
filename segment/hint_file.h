#pragma once
// The hint of a segment: the last record of every key in it, so that a restart reads 24 bytes a key, not the log.
//
// Layout (docs/FORMAT.md, "Hint"): a 128-byte header with CRC, then blocks of up to 8192 entries, each block
// followed by an XXH3-64 seeded with the block's number and the segment's name. Entries are little-endian and
// copied as they are, sorted by identity within runs of 2^20 whatever order they were added in. A block is handed out
// only after its checksum held, so a damaged hint yields true entries and then an error, never a wrong entry.
//
// A hint proves nothing by itself: it is used only when its log's digest and size, and the fingerprint of the hash
// secret, are those the reader knows. A partial hint (of the active segment) covers [0, covered_position) only.
// The file is written beside its place and renamed into it: a hint is there whole or not at all; it is synced by
// finish() and its name by the caller's next Directory::sync.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/key_hash.h"
#include "base/result.h"
#include "base/types.h"
#include "segment/file.h"
#include "segment/segment_facts.h"

namespace logcask {

// 24 bytes on disk and in memory.
struct HintEntry {
  std::uint64_t identity_high = 0;
  std::uint64_t identity_low = 0;
  std::uint32_t offset_delta = 0;        // from the segment's base
  std::uint32_t size_and_tombstone = 0;  // encoded bytes of the record, top bit: tombstone

  static HintEntry make(KeyIdentity id, Offset base, Offset offset, std::uint32_t encoded_bytes, bool tombstone);
  KeyIdentity identity() const { return {identity_high, identity_low}; }
  Offset offset(Offset base) const { return base + offset_delta; }
  std::uint32_t encoded_bytes() const { return size_and_tombstone & 0x7fffffffu; }
  bool tombstone() const { return (size_and_tombstone >> 31) != 0; }
  friend bool operator==(const HintEntry&, const HintEntry&) = default;
};
static_assert(sizeof(HintEntry) == 24);

struct HintHeader {
  SegmentName name;
  // The log bytes [0, covered_position) and offsets [base, covered_next) are in the entries.
  std::uint64_t covered_position = 0;
  Offset covered_next;
  // Digest of those bytes; for a closed segment covered_position is its size and this its digest.
  std::uint64_t digest = 0;
  std::uint64_t secret_fingerprint = 0;
  // Totals over all records below covered_next, not only the last of each key.
  std::uint64_t records = 0;
  std::uint64_t record_bytes = 0;
  std::uint64_t tombstones = 0;
  TimestampMs max_timestamp = kNoTimestamp;
  std::uint64_t entries = 0;  // set by the writer
  friend bool operator==(const HintHeader&, const HintHeader&) = default;
};

inline constexpr std::size_t kHintBlockEntries = 8192;
// Entries are sorted by identity within runs of this many (24 MiB in memory while a hint is written).
inline constexpr std::size_t kHintRunEntries = std::size_t{1} << 20;
static_assert(kHintRunEntries % kHintBlockEntries == 0, "only the last block of a hint may be short");

// Writes one hint. Not thread-safe. Dropping it before finish() removes the temporary file.
class HintWriter {
 public:
  // Name decides the file. An existing temporary file of that name is overwritten.
  static Result<std::unique_ptr<HintWriter>> create(std::shared_ptr<Directory> directory, SegmentName name);
  ~HintWriter();
  HintWriter(const HintWriter&) = delete;
  HintWriter& operator=(const HintWriter&) = delete;

  Status add(const HintEntry& entry) { return add(std::span(&entry, 1)); }
  Status add(std::span<const HintEntry> entries);
  // Writes the rest and `header` (its `entries` is filled in), syncs, renames into place (replacing an older hint).
  // header.name must be the writer's.
  Status finish(HintHeader header);

 private:
  HintWriter(std::shared_ptr<Directory> directory, SegmentName name, std::unique_ptr<File> file);
  Status write_run();
  Status write_block(std::span<const HintEntry> block);

  std::shared_ptr<Directory> directory_;
  SegmentName name_;
  std::unique_ptr<File> file_;
  std::vector<HintEntry> run_;  // at most kHintRunEntries
  std::uint64_t position_;
  std::uint64_t entries_ = 0;
  std::uint64_t blocks_ = 0;
  bool finished_ = false;
};

// Reads one hint. Not thread-safe.
class HintReader {
 public:
  // Opens and checks the header and the file's size. not_found when there is none, corrupt_file when it is damaged,
  // of another version or named after another segment.
  static Result<HintReader> open(Directory& directory, SegmentName name);

  const HintHeader& header() const { return header_; }
  // Hands out the entries in blocks, in file order. The first error of `take` or of the file ends it.
  Status read(const std::function<Status(std::span<const HintEntry>)>& take) const;

 private:
  HintReader(std::unique_ptr<File> file, HintHeader header, std::string what)
      : file_(std::move(file)), header_(header), what_(std::move(what)) {}

  std::unique_ptr<File> file_;
  HintHeader header_;
  std::string what_;  // for messages
};

}  // namespace logcask
