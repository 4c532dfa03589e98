#include "base/key_hash.h"

#include <highwayhash/highwayhash_target.h>
#include <highwayhash/instruction_sets.h>

#include <cstring>

namespace logcask {

KeyHasher::KeyHasher(const Secret& secret) {
  std::memcpy(key_.data(), secret.data(), secret.size());
  fingerprint_ = identity("logcask hash secret fingerprint").high;
}

KeyIdentity KeyHasher::identity(ByteView key) const {
  highwayhash::HHResult128 result;
  highwayhash::InstructionSets::Run<highwayhash::HighwayHash>(*reinterpret_cast<const highwayhash::HHKey*>(key_.data()),
                                                              key.data(), key.size(), &result);
  return KeyIdentity{result[1], result[0]};
}

}  // namespace logcask
