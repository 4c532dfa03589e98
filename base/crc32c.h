#pragma once
// CRC-32C (Castagnoli, RFC 3720 appendix B.4), the checksum of Kafka's record batch and of our own
// files. Uses the SSE4.2 instruction where the processor has it (three interleaved chains for long
// inputs), a table elsewhere. crc32c("123456789") == 0xe3069283.

#include <cstdint>

#include "base/types.h"

namespace logcask {

// `seed` is the CRC of what came before, so crc32c(b, crc32c(a)) == crc32c(a + b).
std::uint32_t crc32c(ByteView bytes, std::uint32_t seed = 0);

// The table version, for tests that compare the two.
std::uint32_t crc32c_portable(ByteView bytes, std::uint32_t seed = 0);

}  // namespace logcask
