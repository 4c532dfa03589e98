#pragma once
// What keydirs take of a budget, how fast that grows, and when it will be too much: the live side of `logcask plan`.
//
// A value, made for the asking. Bytes are those the budget counts (kKeydirBytesPerEntry for each entry), or what was
// taken ahead for expected keys where that is more. OOM: new keys are refused.

#include <cstdint>
#include <optional>
#include <string>

#include "sizing/verdict.h"

namespace logcask {

struct KeydirUse {
  std::uint64_t entries = 0;  // keys and tombstones, and creates that wait for the disk
  std::uint64_t bytes = 0;
  // The budget that is nearest to its end, of those that count for these keys.
  std::string limit;  // "keydir.max.bytes" or "keydir.total.max.bytes"
  std::uint64_t limit_bytes = 0;
  std::uint64_t limit_used_bytes = 0;  // by all that it bounds
  sizing::Verdict verdict = sizing::Verdict::fits;
  // Of the last hour, or since the keydirs were complete; nothing while that is too short to say. Of what was asked
  // for, and of all that the budget bounds.
  std::optional<double> entries_per_hour, limit_entries_per_hour;
  // At the latter rate. Nothing: never, or not known.
  std::optional<double> seconds_until_tight, seconds_until_oom;
};

}  // namespace logcask
