#pragma once
// The running digest of a log file: XXH3-64 (seed 0) over its bytes from position 0, fed in any pieces.
// The same number stands in manifest, .sync, .index, .timeindex and .hint. Not a defence against an adversary.

#include <cstddef>
#include <cstdint>

#include "base/types.h"

namespace logcask {

// Copyable: a copy goes on independently. Not thread-safe.
class Digest {
 public:
  Digest();
  void update(ByteView bytes);
  // Of everything fed so far; feeding may go on.
  std::uint64_t value() const;

 private:
  // The library's state, kept opaque so that its header stays out of ours.
  alignas(64) std::byte state_[576];
};

// One-shot XXH3-64 with a seed, for checksums of blocks.
std::uint64_t xxh3_64(ByteView bytes, std::uint64_t seed = 0);

}  // namespace logcask
