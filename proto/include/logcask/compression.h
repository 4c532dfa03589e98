#pragma once
// The codecs of Kafka's record batch by name. Numbers are those of the batch's attribute bits 0-2.

#include <cstdint>
#include <string_view>

#include <logcask/export.h>
#include <logcask/result.h>

namespace logcask {

enum class Compression : std::uint8_t { none = 0, gzip = 1, snappy = 2, lz4 = 3, zstd = 4 };

LOGCASK_API std::string_view compression_name(Compression codec);
// "none", "gzip", "snappy", "lz4" or "zstd"; invalid_argument otherwise.
LOGCASK_API Result<Compression> compression_from_name(std::string_view name);

}  // namespace logcask
