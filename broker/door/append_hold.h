#pragma once
// Whether a partition's appends wait for compaction. A writer that makes garbage faster than compaction removes it
// would fill the disk with it; so where the closed segments hold too much of it (Garbage in compactor/plan.h) no append
// is admitted until a look of compaction finds that it has caught up.
//
// A hold ends after kHoldNs without a rewrite: compaction may be limited (compaction.max.bytes.per.second), busy with
// other partitions, or failing. Then there is none until a rewrite has been installed. There is none either where
// compaction has said that it may not work (closed window, damage, no room), or has not looked yet.
//
// Not thread-safe: guarded by the partition's lock. Times are monotonic.

#include <cstdint>

#include "partition/compaction_port.h"

namespace logcask {

class AppendHold {
 public:
  static constexpr std::int64_t kHoldNs = 1'000'000'000;

  bool holds() const { return held_; }
  void looked(CompactionLook look, std::int64_t now_ns);
  // A segment was closed; is there too much garbage now?
  void rolled(bool too_much, std::int64_t now_ns);
  void rewrite_installed(std::int64_t now_ns);
  // True when this ended a hold.
  [[nodiscard]] bool give_up(std::int64_t now_ns);
  // No hold, nothing known: the log has been opened.
  void reset() { *this = {}; }

 private:
  void hold(std::int64_t now_ns);

  bool held_ = false;
  bool works_ = false;    // compaction has looked and may work
  bool in_vain_ = false;  // the last hold was given up, and no rewrite has come since
  std::int64_t since_ns_ = 0;
};

}  // namespace logcask
