#include "segment/derived_file.h"

#include "base/coding.h"
#include "base/crc32c.h"

namespace logcask {
namespace {

constexpr std::uint32_t kDerivedVersion = 1;
constexpr std::size_t kCrcBytes = 4;

}  // namespace

std::string encode_derived_file(std::string_view kind, const SegmentFacts& facts, ByteView payload) {
  std::string file;
  file.reserve(payload.size() + 64);
  ByteWriter writer(file);
  writer.bytes(kind);
  writer.fixed(kDerivedVersion);
  writer.fixed(facts.name.base.value());
  writer.fixed(facts.name.generation.value());
  writer.fixed(facts.next_offset.value());
  writer.fixed(facts.size_bytes);
  writer.fixed(facts.digest);
  writer.fixed(static_cast<std::uint64_t>(payload.size()));
  writer.bytes(payload);
  writer.fixed(crc32c(file));
  return file;
}

Result<ByteView> decode_derived_file(std::string_view kind, const SegmentFacts& facts, ByteView file,
                                     const std::string& what) {
  const auto corrupt = [&](const char* why) {
    return Error{Errc::corrupt_file, what + " of " + segment_filename(facts.name, SegmentFile::log) + ": " + why};
  };
  if (file.size() < kCrcBytes) return corrupt("too short");
  const ByteView body = file.substr(0, file.size() - kCrcBytes);
  if (load_be<std::uint32_t>(file.data() + body.size()) != crc32c(body)) return corrupt("its checksum does not hold");
  ByteReader reader(body);
  if (reader.bytes(kind.size()) != kind) return corrupt("not a file of this kind");
  if (reader.fixed<std::uint32_t>() != kDerivedVersion) return corrupt("written in a version this build does not know");
  const Offset base(reader.fixed<std::int64_t>());
  const Generation generation(reader.fixed<std::uint32_t>());
  if (SegmentName{base, generation} != facts.name) return corrupt("belongs to another segment");
  const Offset next_offset(reader.fixed<std::int64_t>());
  const auto size_bytes = reader.fixed<std::uint64_t>();
  const auto digest = reader.fixed<std::uint64_t>();
  if (next_offset != facts.next_offset || size_bytes != facts.size_bytes || digest != facts.digest)
    return corrupt("made for another content of the log");
  const auto payload_bytes = reader.fixed<std::uint64_t>();
  if (!reader.ok() || payload_bytes != reader.remaining()) return corrupt("its length is wrong");
  return reader.bytes(payload_bytes);
}

}  // namespace logcask
