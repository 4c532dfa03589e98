#pragma once
// The codecs of Kafka's record batch, all bounded: decompression never yields more than it is told.
//
// Numbers are those of the batch's attribute bits 0-2. Framing differs by client and both forms are
// read: snappy raw (librdkafka) and in xerial blocks (Java); lz4 is the frame format, written with
// independent blocks because Java refuses others; gzip is RFC 1952; zstd is RFC 8878.

#include <cstdint>
#include <string>

#include <logcask/result.h>
#include <logcask/types.h>

namespace logcask {

enum class Compression : std::uint8_t { none = 0, gzip = 1, snappy = 2, lz4 = 3, zstd = 4 };

std::string_view compression_name(Compression codec);
// "none", "gzip", "snappy", "lz4" or "zstd"; invalid_argument otherwise.
Result<Compression> compression_from_name(std::string_view name);

// Appends the compressed form of `input` to `out`. Codec none copies.
Status compress(Compression codec, ByteView input, std::string& out);

// Replaces `out` by the decompressed form of `input`. Lengths the input declares are never trusted: memory
// stays below twice `max_bytes` (while the output moves to grow) plus the codec's window (zstd: up to 128 MiB,
// as declared, given back afterwards). message_too_large when the output would be larger, corrupt_message when
// the input is not a valid stream of the codec or goes on after its end. `out` is empty after an error.
// Concatenated gzip members and zstd frames are one stream.
Status decompress(Compression codec, ByteView input, std::size_t max_bytes, std::string& out);

}  // namespace logcask
