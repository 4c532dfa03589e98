#pragma once
// The codecs of Kafka's record batch, all bounded: decompression never yields more than it is told.
//
// Framing differs by client and both forms are read: snappy raw (librdkafka) and in xerial blocks (Java); lz4 is the
// frame format, written with independent blocks because Java refuses others; gzip is RFC 1952; zstd is RFC 8878.

#include <string>

#include "base/result.h"
#include "base/types.h"
#include "logcask/compression.h"  // IWYU pragma: export

namespace logcask {

// Appends the compressed form of `input` to `out`. Codec none copies.
Status compress(Compression codec, ByteView input, std::string& out);

// Replaces `out` by the decompressed form of `input`. Lengths the input declares are never trusted: memory
// stays below twice `max_bytes` (while the output moves to grow) plus the codec's window (zstd: up to 128 MiB,
// as declared, given back afterwards). message_too_large when the output would be larger, corrupt_message when
// the input is not a valid stream of the codec or goes on after its end. `out` is empty after an error.
// Concatenated gzip members and zstd frames are one stream.
Status decompress(Compression codec, ByteView input, std::size_t max_bytes, std::string& out);

}  // namespace logcask
