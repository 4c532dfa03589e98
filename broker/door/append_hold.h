#pragma once
// Whether a partition's appends wait for compaction. A writer that makes garbage faster than compaction removes it
// would fill the disk with it; so where the closed segments hold too much of it (Garbage in compactor/plan.h) and
// compaction is at work, no append is admitted until a look of compaction finds that it has caught up.
//
// A hold that no rewrite ends is given up with the first tick after kHoldNs: compaction may be limited
// (compaction.max.bytes.per.second), busy with other partitions, or failing. Then there is none until a rewrite has
// been installed.
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
  // A segment that was closed may begin a hold; otherwise nobody needs to count the garbage.
  bool may_begin() const { return works_ && !in_vain_ && !held_; }
  void hold(std::int64_t now_ns);
  void rewrite_installed(std::int64_t now_ns);
  // True when this ended a hold.
  [[nodiscard]] bool give_up(std::int64_t now_ns);
  // No hold, nothing known: the log has been opened.
  void reset() { *this = {}; }

 private:
  bool held_ = false;
  bool looked_ = false;   // somebody looks; a rewrite asked for by hand is no sign of it
  bool works_ = false;    // the last that was heard of compaction is that it is at work, or about to be
  bool in_vain_ = false;  // the last hold was given up, and no rewrite has come since
  std::int64_t since_ns_ = 0;
};

}  // namespace logcask
