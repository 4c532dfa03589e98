// Record batches. Per codec: the input is the records section in that codec's form, put into a batch with a right
// checksum. Raw: the header is the input's too, its length and checksum put right.
#include "proto/compression.h"
#include "segment/record_skim.h"
#include "tests/fuzz/batch_properties.h"
#include "tests/fuzz/fuzz.h"

namespace logcask::fuzz {
namespace {

// So many records a section holds if every length in it is right.
std::int32_t count_records(ByteView section) {
  RecordSkim skim(section);
  std::int32_t count = 0;
  std::size_t bytes = 0;
  while (count < 5000 && !skim.at_end() && skim.peek_length(bytes) && skim.skip(bytes)) ++count;
  return count;
}

// A zstd frame may declare a window of 128 MiB, which is allocated (and under AddressSanitizer poisoned) for a few
// bytes: a thousand times the cost of any other input. Only this variant keeps such a window.
constexpr std::uint8_t kKeepWindow = 0xff;
void cap_zstd_windows(std::string& bytes) {
  constexpr std::string_view kMagic = "\x28\xb5\x2f\xfd";
  constexpr unsigned kSingleSegment = 0x20;  // the window is as large as the content, 2 bytes of size are enough here
  constexpr unsigned kWindow128KiB = 7 << 3;
  for (std::size_t at = bytes.find(kMagic); at != std::string::npos && at + 6 <= bytes.size();
       at = bytes.find(kMagic, at + 1)) {
    const auto descriptor = static_cast<unsigned char>(bytes[at + 4]);
    const auto window = static_cast<unsigned char>(bytes[at + 5]);
    if ((descriptor & kSingleSegment) != 0 && descriptor >= 0x80)
      bytes[at + 4] = static_cast<char>((descriptor & 0x3f) | 0x40);
    else if ((descriptor & kSingleSegment) == 0 && window > kWindow128KiB)
      bytes[at + 5] = static_cast<char>(kWindow128KiB);
  }
}

constexpr std::int64_t kBaseTimestamps[] = {1'700'000'000'000, 0, -1, INT64_MAX - 3, INT64_MIN + 3};

// First byte: bits 0-2 base timestamp, bit 3 keys required, bit 4 the second byte is the record count, bit 5 plain:
// what follows is not yet compressed, bit 6 a bound that is soon reached. Third byte: see check_batch().
void fuzz_codec(Compression codec, ByteView bytes) {
  Input input(bytes);
  const std::uint8_t choice = input.byte();
  const std::uint8_t count = input.byte();
  const std::uint8_t variant = input.byte();
  const ByteView rest = input.rest();
  std::string compressed;
  if ((choice & 0x20) != 0) {
    LOGCASK_CHECK(compress(codec, rest, compressed).ok());
  } else {
    compressed = rest;
    if (variant != kKeepWindow) cap_zstd_windows(compressed);
  }

  const std::size_t bound = (choice & 0x40) != 0 ? count : kMaxDecompressedBytes;
  std::string section = "left over from before";
  const Status status = decompress(codec, compressed, bound, section);
  LOGCASK_CHECK(status.ok() ? section.size() <= bound : section.empty());
  if ((choice & 0x20) != 0) LOGCASK_CHECK(rest.size() <= bound ? status.ok() && section == rest : !status.ok());
  // A stream that fits one bound fits a larger one, to the same bytes.
  if (status.ok() && (choice & 0x40) != 0) {
    std::string again;
    LOGCASK_CHECK(decompress(codec, compressed, bound + 1 + count, again).ok() && again == section);
    if (!section.empty()) LOGCASK_CHECK(!decompress(codec, compressed, section.size() - 1, again).ok());
  }

  BatchHeader fields;
  fields.base_offset = Offset(40);
  fields.leader_epoch = LeaderEpoch(3);
  fields.attributes = static_cast<std::uint16_t>(codec);
  fields.base_timestamp = TimestampMs(kBaseTimestamps[(choice & 7) % std::size(kBaseTimestamps)]);
  fields.max_timestamp = fields.base_timestamp;
  fields.record_count = (choice & 0x10) != 0 ? count : std::max(count_records(section), 1);
  fields.last_offset_delta = fields.record_count - 1;
  check_batch(wrap_records(fields, compressed), (choice & 8) != 0, variant);
}

}  // namespace

void fuzz_batch_none(ByteView input) { fuzz_codec(Compression::none, input); }
void fuzz_batch_gzip(ByteView input) { fuzz_codec(Compression::gzip, input); }
void fuzz_batch_snappy(ByteView input) { fuzz_codec(Compression::snappy, input); }
void fuzz_batch_lz4(ByteView input) { fuzz_codec(Compression::lz4, input); }
void fuzz_batch_zstd(ByteView input) { fuzz_codec(Compression::zstd, input); }

void fuzz_batch_raw(ByteView bytes) {
  Input input(bytes);
  const std::uint8_t choice = input.byte();
  const std::uint8_t variant = input.byte();
  std::string batch(input.rest());
  if (variant != kKeepWindow) cap_zstd_windows(batch);
  if ((choice & 1) != 0 && !repair_batch(batch)) return;
  check_batch(batch, (choice & 2) != 0, variant);
}

}  // namespace logcask::fuzz
