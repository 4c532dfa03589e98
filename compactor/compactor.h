#pragma once
// Compaction of one partition, step by step: decide, rewrite, install.
//
// Who calls it (broker/compaction_threads) owns threads, time and pace; nothing here waits by itself. One thread at a
// time. A compactor remembers what it has rewritten in vain, so that the same work is not begun again; losing that
// memory costs a rewrite.
//
// Errors of a step leave the log as it was. A value that the keydir lacks, or damage in an input, quarantines the
// partition through the port before the error is returned. Others (storage_full, io_error, cancelled, in_use, ...)
// are for the caller to wait out.

#include <functional>
#include <string>

#include "compactor/input_reader.h"
#include "compactor/plan.h"
#include "compactor/rewrite.h"
#include "compactor/stats.h"

namespace logcask {

class Compactor {
 public:
  struct Options {
    std::uint64_t disk_reserve_bytes = 64u << 20;
    std::uint64_t disk_low_bytes = 1u << 30;
    std::size_t batch_bytes = 32 * 1024;
    std::uint64_t output_bytes_min = kOutputBytesMin;
    std::uint64_t segment_fixed_bytes = kSegmentFixedBytes;
  };
  // The port outlives the compactor.
  explicit Compactor(CompactionPort& port) : Compactor(port, Options()) {}
  Compactor(CompactionPort& port, const Options& options) : port_(port), options_(options) {}

  // What the next step would do.
  Decision decide(CompactionMode mode);

  struct Step {
    bool worked = false;    // something changed: ask again
    std::string waits_for;  // what is due but cannot run now waits for this
    Errc waits_code = Errc::ok;
    DueRule rule = DueRule::none;
    std::string why;
    CompactionStats stats;
  };
  // At most one rewrite.
  Result<Step> step(CompactionMode mode, const Pace& pace);

  // Steps until nothing is due; forced, until what was superseded when it began is gone. `progress` hears the sum so
  // far after each.
  Result<CompactionStats> run_due(CompactionMode mode, const Pace& pace,
                                  const std::function<void(const CompactionStats&)>& progress = {});

 private:
  Result<Step> step(CompactionMode mode, Offset forced_through, const Pace& pace);
  Decision decide(const CompactionState& state, CompactionMode mode, Offset forced_through);
  Status note_clean(const CompactionState& state, const Decision& decision, Step& step);
  Status rewrite(const CompactionState& state, const Plan& plan, const Pace& pace, Step& step);
  void remember(const CompactionState& state, const Rewritten& rewritten, const std::vector<RewriteOutput>& outputs);
  Status failed(Status status);

  CompactionPort& port_;
  const Options options_;
  KeptDead kept_dead_;
  SettledSegments unmerged_;
};

}  // namespace logcask
