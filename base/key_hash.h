#pragma once
// Key identity: the keyed 128-bit hash that stands for a key in the keydir, pending and hints.
//
// HighwayHash-128 (a pseudo-random function, arXiv:1612.06257) under a secret of the data directory,
// so that a client who chooses keys cannot choose collisions. Two different keys share an identity
// with probability 2^-128; what a keydir slot keeps of it is partition/keydir.h's business.

#include <array>
#include <compare>
#include <cstdint>
#include <functional>

#include "base/types.h"

namespace logcask {

struct KeyIdentity {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend auto operator<=>(const KeyIdentity&, const KeyIdentity&) = default;
};

// Immutable after construction; safe from any thread.
class KeyHasher {
 public:
  using Secret = std::array<std::uint8_t, 32>;
  explicit KeyHasher(const Secret& secret);

  KeyIdentity identity(ByteView key) const;
  // Goes into every hint: a hint made under another secret is useless and must be rebuilt.
  std::uint64_t secret_fingerprint() const { return fingerprint_; }

 private:
  alignas(32) std::array<std::uint64_t, 4> key_;
  std::uint64_t fingerprint_;
};

}  // namespace logcask

template <>
struct std::hash<logcask::KeyIdentity> {
  std::size_t operator()(const logcask::KeyIdentity& id) const noexcept { return id.low; }
};
