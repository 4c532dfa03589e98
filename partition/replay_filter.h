#pragma once
// What a replay lets through of the batches it walks over.

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/key_hash.h"
#include "base/result.h"
#include "base/types.h"
#include "proto/record_batch.h"

namespace logcask {

struct ReplayFilter {
  bool live_only = true;   // only records the keydir names; no tombstones but those needed
  bool keys_only = false;  // values are replaced by empty ones
  std::string key_prefix;
  // With live_only: whether a tombstone of this key must pass because older values of it do. Empty = none.
  std::function<bool(const KeyIdentity&)> needs_tombstone = {};
  bool passes_everything() const { return !live_only && !keys_only && key_prefix.empty(); }
};

// For identities[i] and offsets[i]: true when the keydir still names that record (or must not be believed about it).
using LivenessProbe = std::function<void(std::span<const KeyIdentity> identities, std::span<const Offset> offsets,
                                         std::vector<bool>& live)>;

// Appends to `out` what passes of the whole batches in `batches` that lie in [from, end): a batch of which everything
// passes is copied as it is, others are built anew without compression, offsets and timestamps kept. Control batches do
// not pass.
Status filter_batches(ByteView batches, Offset from, Offset end, const ReplayFilter& filter, const KeyHasher& hasher,
                      const LivenessProbe& probe, std::size_t max_decompressed_bytes, std::string& out);

}  // namespace logcask
