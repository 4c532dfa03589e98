#include "proto/compression.h"

#include <iterator>
#include <limits>

#include "proto/codecs.h"

namespace logcask {
namespace {

constexpr std::string_view kNames[] = {"none", "gzip", "snappy", "lz4", "zstd"};
// A batch's length is an int32, so nothing larger is ever asked for; several codecs count in 32 bits.
constexpr std::size_t kMaxInputBytes = std::numeric_limits<std::int32_t>::max();

Status unknown_codec(Compression codec) {
  return Error{Errc::invalid_argument, "compression codec " + std::to_string(static_cast<int>(codec)) +
                                           " is unknown; use none, gzip, snappy, lz4 or zstd"};
}

Status dispatch(Compression codec, ByteView input, codec::BoundedOutput& out) {
  switch (codec) {
    case Compression::gzip:
      return codec::decompress_gzip(input, out);
    case Compression::snappy:
      return codec::decompress_snappy(input, out);
    case Compression::lz4:
      return codec::decompress_lz4(input, out);
    case Compression::zstd:
      return codec::decompress_zstd(input, out);
    case Compression::none:
      break;
  }
  return unknown_codec(codec);
}

}  // namespace

namespace codec {

Error corrupt(const char* codec, const char* what) {
  return Error{Errc::corrupt_message, std::string(codec) + " data is damaged: " + what + "; send the batch again"};
}

Error too_large(const char* codec, std::size_t max_bytes) {
  return Error{Errc::message_too_large, std::string(codec) + " data decompresses to more than " +
                                            std::to_string(max_bytes) + " bytes; send smaller batches"};
}

Error no_memory(const char* codec) {
  return Error{Errc::limit_exceeded, std::string("there is no memory to decompress ") + codec +
                                         " data; raise the process's memory limit, or send with a smaller window"};
}

}  // namespace codec

std::string_view compression_name(Compression codec) {
  const auto index = static_cast<std::size_t>(codec);
  return index < std::size(kNames) ? kNames[index] : "unknown";
}

Result<Compression> compression_from_name(std::string_view name) {
  for (std::size_t i = 0; i < std::size(kNames); ++i)
    if (kNames[i] == name) return static_cast<Compression>(i);
  return Error{Errc::invalid_argument,
               "compression '" + std::string(name) + "' is unknown; use none, gzip, snappy, lz4 or zstd"};
}

Status compress(Compression codec, ByteView input, std::string& out) {
  if (input.size() > kMaxInputBytes)
    return Error{Errc::message_too_large,
                 std::to_string(input.size()) + " bytes to compress, at most 2147483647 fit one batch; split it"};
  switch (codec) {
    case Compression::none:
      out.append(input);
      return {};
    case Compression::gzip:
      return codec::compress_gzip(input, out);
    case Compression::snappy:
      return codec::compress_snappy(input, out);
    case Compression::lz4:
      return codec::compress_lz4(input, out);
    case Compression::zstd:
      return codec::compress_zstd(input, out);
  }
  return unknown_codec(codec);
}

Status decompress(Compression codec, ByteView input, std::size_t max_bytes, std::string& out) {
  out.clear();
  max_bytes = std::min(max_bytes, kMaxInputBytes);
  if (input.size() > kMaxInputBytes) return codec::too_large(compression_name(codec).data(), max_bytes);
  if (codec == Compression::none) {
    if (input.size() > max_bytes) return codec::too_large("uncompressed", max_bytes);
    out.assign(input);
    return {};
  }
  codec::BoundedOutput bounded(out, max_bytes);
  Status status = dispatch(codec, input, bounded);
  if (status.ok())
    bounded.finish();
  else
    out.clear();
  return status;
}

}  // namespace logcask
