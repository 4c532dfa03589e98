// Hints: entries come out of sound blocks only, as many as the header says, before the first error.
#include <algorithm>
#include <cstring>

#include "base/crc32c.h"
#include "partition/hint_builder.h"
#include "segment/digest.h"
#include "segment/hint_file.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/memory_file_system.h"

namespace logcask::fuzz {
namespace {

constexpr SegmentName kName{Offset(100), Generation(0)};
constexpr std::size_t kHeaderBytes = 128;
constexpr std::size_t kSumBytes = 8;
constexpr std::size_t kEntriesAt = 6 + 2 + 8 + 4 + 8 * 8;

std::uint64_t block_sum(ByteView block, std::uint64_t number) {
  char seed[20];
  store_be(seed, kName.base.value());
  store_be(seed + 8, kName.generation.value());
  store_be(seed + 12, number);
  return xxh3_64(block, xxh3_64(ByteView(seed, sizeof seed)));
}

// One block holds up to 8192 entries; inputs are shorter.
void repair_hint(std::string& file, bool lengths) {
  if (file.size() < kHeaderBytes) return;
  std::memcpy(file.data(), "LCHINT\0\1", 8);
  store_be(file.data() + 8, kName.base.value());
  store_be(file.data() + 16, kName.generation.value());
  if (lengths) {
    const std::size_t entries = (file.size() - kHeaderBytes) / sizeof(HintEntry);
    file.resize(kHeaderBytes + entries * sizeof(HintEntry));
    if (entries > 0) file.append(kSumBytes, '\0');
    store_be(file.data() + kEntriesAt, static_cast<std::uint64_t>(entries));
  }
  if (file.size() >= kHeaderBytes + kSumBytes) {
    const ByteView block = ByteView(file).substr(kHeaderBytes, file.size() - kHeaderBytes - kSumBytes);
    store_be(file.data() + file.size() - kSumBytes, block_sum(block, 0));
  }
  store_be(file.data() + kHeaderBytes - 4, crc32c(ByteView(file).substr(0, kHeaderBytes - 4)));
}

// Written anew, the same entries come back, sorted.
void write_anew(const HintHeader& header, std::vector<HintEntry> entries) {
  testing::MemoryFileSystem files;
  auto writer = HintWriter::create(files.root(), kName);
  LOGCASK_CHECK(writer.ok() && (*writer)->add(entries).ok() && (*writer)->finish(header).ok());
  auto reader = HintReader::open(*files.root(), kName);
  LOGCASK_CHECK(reader.ok() && reader->header() == header);
  std::vector<HintEntry> read;
  LOGCASK_CHECK(reader
                    ->read([&](std::span<const HintEntry> block) -> Status {
                      read.insert(read.end(), block.begin(), block.end());
                      return {};
                    })
                    .ok());
  const auto less = [](const HintEntry& a, const HintEntry& b) { return std::memcmp(&a, &b, sizeof a) < 0; };
  std::sort(read.begin(), read.end(), less);
  std::sort(entries.begin(), entries.end(), less);
  LOGCASK_CHECK(read == entries);
}

}  // namespace

// First byte: bit 0 checksums are put right, bit 1 lengths too, bit 2 what was read is written anew.
void fuzz_hint(ByteView bytes) {
  Input input(bytes);
  const std::uint8_t choice = input.byte();
  std::string file(input.rest());
  if ((choice & 1) != 0) repair_hint(file, (choice & 2) != 0);

  testing::MemoryFileSystem files;
  files.set_content(segment_filename(kName, SegmentFile::hint), file);
  const auto reader = HintReader::open(*files.root(), kName);
  if (!reader.ok()) {
    LOGCASK_CHECK(reader.code() == Errc::corrupt_file);
    return;
  }
  const HintHeader& header = reader->header();
  LOGCASK_CHECK(header.name == kName && header.entries <= file.size() / sizeof(HintEntry));
  std::vector<HintEntry> entries;
  const Status read = reader->read([&](std::span<const HintEntry> block) -> Status {
    for (const HintEntry& entry : block) {
      LOGCASK_CHECK(entry.offset(kName.base) >= kName.base);
      entries.push_back(entry);
    }
    return {};
  });
  LOGCASK_CHECK(read.ok() ? entries.size() == header.entries : read.code() == Errc::corrupt_file);
  if (read.ok() && (choice & 4) != 0) write_anew(header, std::move(entries));
}

}  // namespace logcask::fuzz
