// Stands before KeyHasher::identity in collision_tests (the linker's --wrap): keys that are the same up to a '~' share
// the 80 bits that a keydir compares, and differ in the lower 48.
#include "base/key_hash.h"

extern "C" {
logcask::KeyIdentity __real__ZNK7logcask9KeyHasher8identityESt17basic_string_viewIcSt11char_traitsIcEE(
    const logcask::KeyHasher* hasher, logcask::ByteView key);

logcask::KeyIdentity __wrap__ZNK7logcask9KeyHasher8identityESt17basic_string_viewIcSt11char_traitsIcEE(
    const logcask::KeyHasher* hasher, logcask::ByteView key) {
  constexpr std::uint64_t kOwnBits = (std::uint64_t{1} << 48) - 1;
  const auto real = __real__ZNK7logcask9KeyHasher8identityESt17basic_string_viewIcSt11char_traitsIcEE;
  const logcask::KeyIdentity shared = real(hasher, key.substr(0, key.find('~')));
  return {shared.high, (shared.low & ~kOwnBits) | (real(hasher, key).low & kOwnBits)};
}
}
