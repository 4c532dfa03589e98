#include "segment/hint_file.h"

#include <algorithm>
#include <tuple>

#include "base/check.h"
#include "base/coding.h"
#include "base/crc32c.h"
#include "segment/digest.h"

namespace logcask {
namespace {

constexpr std::string_view kHintMagic = "LCHINT";
constexpr std::uint16_t kHintVersion = 1;
constexpr std::size_t kHeaderBytes = 128;
constexpr std::size_t kSumBytes = 8;
constexpr std::size_t kBlockBytes = kHintBlockEntries * sizeof(HintEntry) + kSumBytes;

std::string encode_header(const HintHeader& header) {
  std::string bytes;
  ByteWriter writer(bytes);
  writer.bytes(kHintMagic);
  writer.fixed(kHintVersion);
  writer.fixed(header.name.base.value());
  writer.fixed(header.name.generation.value());
  writer.fixed(header.covered_position);
  writer.fixed(header.covered_next.value());
  writer.fixed(header.digest);
  writer.fixed(header.secret_fingerprint);
  writer.fixed(header.records);
  writer.fixed(header.record_bytes);
  writer.fixed(header.tombstones);
  writer.fixed(header.max_timestamp.value());
  writer.fixed(header.entries);
  bytes.resize(kHeaderBytes - 4, '\0');
  writer.fixed(crc32c(bytes));
  return bytes;
}

// False when the bytes are not a header of this version.
bool decode_header(ByteView bytes, HintHeader& header) {
  ByteReader reader(bytes);
  if (reader.bytes(kHintMagic.size()) != kHintMagic || reader.fixed<std::uint16_t>() != kHintVersion) return false;
  header.name.base = Offset(reader.fixed<std::int64_t>());
  header.name.generation = Generation(reader.fixed<std::uint32_t>());
  header.covered_position = reader.fixed<std::uint64_t>();
  header.covered_next = Offset(reader.fixed<std::int64_t>());
  header.digest = reader.fixed<std::uint64_t>();
  header.secret_fingerprint = reader.fixed<std::uint64_t>();
  header.records = reader.fixed<std::uint64_t>();
  header.record_bytes = reader.fixed<std::uint64_t>();
  header.tombstones = reader.fixed<std::uint64_t>();
  header.max_timestamp = TimestampMs(reader.fixed<std::int64_t>());
  header.entries = reader.fixed<std::uint64_t>();
  return reader.ok() && bytes.size() == kHeaderBytes &&
         load_be<std::uint32_t>(bytes.data() + kHeaderBytes - 4) == crc32c(bytes.substr(0, kHeaderBytes - 4));
}

ByteView bytes_of(std::span<const HintEntry> entries) {
  return ByteView(reinterpret_cast<const char*>(entries.data()), entries.size_bytes());
}

// Seeded with place and owner: a block moved, or left over from another hint, does not hold.
std::uint64_t block_sum(ByteView block, SegmentName name, std::uint64_t number) {
  char seed[20];
  store_be(seed, name.base.value());
  store_be(seed + 8, name.generation.value());
  store_be(seed + 12, number);
  return xxh3_64(block, xxh3_64(ByteView(seed, sizeof seed)));
}

std::uint64_t file_size_for(std::uint64_t entries) {
  const std::uint64_t blocks = (entries + kHintBlockEntries - 1) / kHintBlockEntries;
  return kHeaderBytes + entries * sizeof(HintEntry) + blocks * kSumBytes;
}

std::string temporary_name(SegmentName name) {
  return segment_filename(name, SegmentFile::hint) + std::string(kTemporarySuffix);
}

}  // namespace

HintEntry HintEntry::make(KeyIdentity id, Offset base, Offset offset, std::uint32_t encoded_bytes, bool tombstone) {
  const std::int64_t delta = offset - base;
  LOGCASK_CHECK(delta >= 0 && delta <= kMaxSegmentSpan && encoded_bytes <= 0x7fffffffu);
  return {id.high, id.low, static_cast<std::uint32_t>(delta), encoded_bytes | (tombstone ? 0x80000000u : 0)};
}

HintWriter::HintWriter(std::shared_ptr<Directory> directory, SegmentName name, std::unique_ptr<File> file)
    : directory_(std::move(directory)), name_(name), file_(std::move(file)), position_(kHeaderBytes) {}

HintWriter::~HintWriter() {
  if (!finished_) (void)directory_->unlink(temporary_name(name_));  // whoever opens the directory next removes it, too
}

Result<std::unique_ptr<HintWriter>> HintWriter::create(std::shared_ptr<Directory> directory, SegmentName name) {
  const std::string temporary = temporary_name(name);
  auto file = directory->open(temporary, OpenMode::create_new);
  if (file.code() == Errc::already_exists) {
    LOGCASK_TRY(directory->unlink(temporary));
    file = directory->open(temporary, OpenMode::create_new);
  }
  if (!file.ok()) return std::move(file).error();
  return std::unique_ptr<HintWriter>(new HintWriter(std::move(directory), name, std::move(file).value()));
}

Status HintWriter::add(std::span<const HintEntry> entries) {
  LOGCASK_CHECK(!finished_);
  while (!entries.empty()) {
    const std::size_t take = std::min(entries.size(), kHintRunEntries - run_.size());
    run_.insert(run_.end(), entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(take));
    entries = entries.subspan(take);
    if (run_.size() == kHintRunEntries) LOGCASK_TRY(write_run());
  }
  return {};
}

// Sorted by identity, a run is merged into the keydir shard by shard when it is loaded, four times as fast as in log
// order.
Status HintWriter::write_run() {
  std::sort(run_.begin(), run_.end(), [](const HintEntry& a, const HintEntry& b) {
    return std::tie(a.identity_high, a.identity_low) < std::tie(b.identity_high, b.identity_low);
  });
  for (std::span<const HintEntry> rest(run_); !rest.empty();) {
    const auto block = rest.first(std::min(rest.size(), kHintBlockEntries));
    rest = rest.subspan(block.size());
    LOGCASK_TRY(write_block(block));
  }
  run_.clear();
  return {};
}

Status HintWriter::write_block(std::span<const HintEntry> block) {
  char sum[kSumBytes];
  store_be(sum, block_sum(bytes_of(block), name_, blocks_));
  const ByteView pieces[] = {bytes_of(block), ByteView(sum, sizeof sum)};
  LOGCASK_TRY(file_->write_at(position_, pieces));
  position_ += pieces[0].size() + kSumBytes;
  entries_ += block.size();
  ++blocks_;
  return {};
}

Status HintWriter::finish(HintHeader header) {
  LOGCASK_CHECK(!finished_ && header.name == name_);
  if (!run_.empty()) LOGCASK_TRY(write_run());
  header.entries = entries_;
  LOGCASK_TRY(file_->write_at(0, encode_header(header)));
  LOGCASK_TRY(file_->sync_data());
  LOGCASK_TRY(directory_->rename(temporary_name(name_), segment_filename(name_, SegmentFile::hint)));
  finished_ = true;
  return {};
}

Result<HintReader> HintReader::open(Directory& directory, SegmentName name) {
  const std::string filename = segment_filename(name, SegmentFile::hint);
  const std::string what = directory.path() + "/" + filename;
  LOGCASK_ASSIGN(auto file, directory.open(filename, OpenMode::read));
  char raw[kHeaderBytes];
  LOGCASK_ASSIGN(const std::size_t got, file->read_at(0, raw));
  HintHeader header;
  if (!decode_header(ByteView(raw, got), header))
    return Error{Errc::corrupt_file,
                 what + ": its header is damaged or of another version; it is rebuilt from the log"};
  if (header.name != name) return Error{Errc::corrupt_file, what + ": belongs to another segment"};
  LOGCASK_ASSIGN(const std::uint64_t size, file->size());
  if (header.entries > size / sizeof(HintEntry) || size != file_size_for(header.entries))
    return Error{Errc::corrupt_file, what + ": its size does not fit its number of entries"};
  return HintReader(std::move(file), header, what);
}

Status HintReader::read(const std::function<Status(std::span<const HintEntry>)>& take) const {
  // One more for the sum.
  std::vector<HintEntry> block(std::min<std::uint64_t>(header_.entries, kHintBlockEntries) + 1);
  char* const raw = reinterpret_cast<char*>(block.data());
  std::uint64_t position = kHeaderBytes;
  std::uint64_t left = header_.entries;
  for (std::uint64_t number = 0; left > 0; ++number) {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(left, kHintBlockEntries));
    const std::size_t bytes = count * sizeof(HintEntry);
    LOGCASK_ASSIGN(const std::size_t got, file_->read_at(position, std::span(raw, bytes + kSumBytes)));
    if (got != bytes + kSumBytes ||
        load_be<std::uint64_t>(raw + bytes) != block_sum(ByteView(raw, bytes), header_.name, number)) {
      return Error{Errc::corrupt_file, what_ + ": the block at position " + std::to_string(position) +
                                           " is damaged; the hint is rebuilt from the log"};
    }
    LOGCASK_TRY(take(std::span(block.data(), count)));
    position += bytes + kSumBytes;
    left -= count;
  }
  return {};
}

}  // namespace logcask
