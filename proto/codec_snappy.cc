// Snappy in its two framings: raw, as librdkafka writes and we write, and the blocks of xerial's
// snappy-java (Java, kafka-python, franz-go): magic, two version numbers, then i32 size + raw block.
#include <snappy.h>

#include "base/coding.h"
#include "proto/codecs.h"

namespace logcask::codec {
namespace {

// A raw stream cannot start like this: its first element would be a copy from before the start.
constexpr ByteView kXerialMagic("\x82SNAPPY\0", 8);
constexpr std::size_t kXerialHeaderBytes = 16;
// The densest element, a copy with a two-byte offset, turns 3 bytes into at most 64.
constexpr std::size_t kMaxRatio = 22;

Status append_raw(ByteView block, BoundedOutput& out) {
  std::size_t declared = 0;
  if (!snappy::GetUncompressedLength(block.data(), block.size(), &declared))
    return corrupt("snappy", "a block's length is not readable");
  if (declared / kMaxRatio > block.size()) return corrupt("snappy", "a block declares more than it can hold");
  if (declared > out.limit() - out.used()) return too_large("snappy", out.limit());
  out.make_room(declared);
  if (!snappy::RawUncompress(block.data(), block.size(), out.room()))
    return corrupt("snappy", "a block does not decode");
  out.commit(declared);
  return {};
}

}  // namespace

Status compress_snappy(ByteView input, std::string& out) {
  const std::size_t before = out.size();
  out.resize(before + snappy::MaxCompressedLength(input.size()));
  std::size_t written = 0;
  snappy::RawCompress(input.data(), input.size(), out.data() + before, &written);
  out.resize(before + written);
  return {};
}

Status decompress_snappy(ByteView input, BoundedOutput& out) {
  if (!input.starts_with(kXerialMagic)) return append_raw(input, out);
  ByteReader reader(input);
  reader.bytes(kXerialHeaderBytes);
  while (reader.ok() && !reader.at_end()) {
    const auto size = reader.fixed<std::int32_t>();
    if (size < 0) return corrupt("snappy", "a block's size is negative");
    const ByteView block = reader.bytes(static_cast<std::size_t>(size));
    if (!reader.ok()) break;
    LOGCASK_TRY(append_raw(block, out));
  }
  return reader.at_end() ? Status() : corrupt("snappy", "a block is cut short");
}

}  // namespace logcask::codec
