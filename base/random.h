#pragma once
// Randomness as a parameter: a seeded generator for everything that need not be secret, and the
// operating system's for what must be (ids, the keydir's hash secret).

#include <cstddef>
#include <cstdint>

namespace logcask {

// splitmix64/xorshift64*; the same seed gives the same numbers on every machine. Not thread-safe.
class Random {
 public:
  explicit Random(std::uint64_t seed);
  std::uint64_t next();
  // Uniform in [0, bound); bound > 0.
  std::uint64_t below(std::uint64_t bound);
  // True once in `n` calls on average.
  bool one_in(std::uint64_t n) { return below(n) == 0; }

 private:
  std::uint64_t state_;
};

// Fills `out` from the operating system. Aborts when the system has no randomness to give.
void secure_random_bytes(void* out, std::size_t size);

}  // namespace logcask
