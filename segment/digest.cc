#define XXH_INLINE_ALL
#include "segment/digest.h"

#include <xxhash.h>

#include <new>

namespace logcask {
namespace {

XXH3_state_t* as_state(std::byte* raw) { return std::launder(reinterpret_cast<XXH3_state_t*>(raw)); }
const XXH3_state_t* as_state(const std::byte* raw) { return std::launder(reinterpret_cast<const XXH3_state_t*>(raw)); }

}  // namespace

Digest::Digest() {
  static_assert(sizeof(XXH3_state_t) <= sizeof(state_) && alignof(XXH3_state_t) <= 64);
  // Value-initialised, so that copying an unused part of the buffer is defined.
  auto* state = new (state_) XXH3_state_t();
  XXH3_64bits_reset(state);
}

void Digest::update(ByteView bytes) { XXH3_64bits_update(as_state(state_), bytes.data(), bytes.size()); }

std::uint64_t Digest::value() const { return XXH3_64bits_digest(as_state(state_)); }

std::uint64_t xxh3_64(ByteView bytes, std::uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

}  // namespace logcask
