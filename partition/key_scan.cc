#include "partition/key_scan.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <span>

#include "partition/keyed_records.h"

namespace logcask {

void KeyCount::add(const KeyIdentity& identity) {
  const std::uint64_t index = identity.high >> (64 - kIndexBits);
  const auto rank = static_cast<std::uint8_t>(std::countl_zero(identity.low) + 1);
  registers_[index] = std::max(registers_[index], rank);
}

std::uint64_t KeyCount::estimate() const {
  const auto registers = static_cast<double>(registers_.size());
  double sum = 0;
  double empty = 0;
  for (const std::uint8_t rank : registers_) {
    sum += std::ldexp(1.0, -rank);
    empty += rank == 0 ? 1 : 0;
  }
  const double bias = 0.7213 / (1 + 1.079 / registers);
  const double raw = bias * registers * registers / sum;
  // Below that the empty registers tell more.
  if (raw <= 2.5 * registers && empty > 0) return std::llround(registers * std::log(registers / empty));
  return std::llround(raw);
}

Status scan_keys(const Segment& segment, Offset from, const HintExtent& extent, const KeyHasher& hasher,
                 std::size_t max_decompressed_bytes, const std::function<Status()>& keep_going, KeyScan& scan) {
  KeyedTotals totals;
  const KeyedRange range{from, extent.position, std::nullopt, true};
  const Status walked = walk_keyed_records(segment, range, hasher, max_decompressed_bytes, totals,
                                           [&](std::span<const KeyedRecord> records) -> Status {
                                             for (const KeyedRecord& record : records) scan.keys.add(record.identity);
                                             return keep_going();
                                           });
  if (!scan.keyless) scan.keyless = totals.keyless;
  return walked;
}

}  // namespace logcask
