#include "base/random.h"

#include <sys/random.h>

#include <cerrno>

#include "base/check.h"

namespace logcask {

Random::Random(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15ull + 0xD1B54A32D192ED03ull) {
  if (state_ == 0) state_ = 1;
}

std::uint64_t Random::next() {
  state_ ^= state_ >> 12;
  state_ ^= state_ << 25;
  state_ ^= state_ >> 27;
  return state_ * 0x2545F4914F6CDD1Dull;
}

std::uint64_t Random::below(std::uint64_t bound) {
  LOGCASK_CHECK(bound > 0);
  return static_cast<std::uint64_t>((static_cast<unsigned __int128>(next()) * bound) >> 64);
}

void secure_random_bytes(void* out, std::size_t size) {
  auto* at = static_cast<char*>(out);
  while (size > 0) {
    const ssize_t got = getrandom(at, size, 0);
    if (got < 0 && errno == EINTR) continue;
    LOGCASK_CHECK(got > 0);
    at += got;
    size -= static_cast<std::size_t>(got);
  }
}

}  // namespace logcask
