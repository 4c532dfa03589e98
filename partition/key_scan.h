#pragma once
// What must be known of a log without a keydir before it may have one: whether every record has a key, and about how
// many keys there are.
//
// Values and pure functions; any thread.

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "base/key_hash.h"
#include "base/result.h"
#include "base/types.h"
#include "partition/hint_builder.h"
#include "segment/segment.h"

namespace logcask {

// About how many different keys were added: HyperLogLog (Flajolet and others, 2007) with 2^14 registers, 16 KiB. The
// standard error is 0.8 %; small numbers are counted by empty registers, which is nearly exact.
class KeyCount {
 public:
  KeyCount() : registers_(std::size_t{1} << kIndexBits, 0) {}
  void add(const KeyIdentity& identity);
  std::uint64_t estimate() const;

 private:
  static constexpr int kIndexBits = 14;
  std::vector<std::uint8_t> registers_;  // the longest run of leading zeros among the identities of each, and one
};

struct KeyScan {
  std::optional<Offset> keyless;  // the first record without a key; the scan ends behind its batch
  KeyCount keys;
};

// Adds the records of [from, extent.next_offset) to `scan`. Errors: those of reading, and the first of `keep_going`,
// which is asked between groups.
Status scan_keys(const Segment& segment, Offset from, const HintExtent& extent, const KeyHasher& hasher,
                 std::size_t max_decompressed_bytes, const std::function<Status()>& keep_going, KeyScan& scan);

}  // namespace logcask
