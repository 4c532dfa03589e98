#pragma once
// Compaction of one partition, step by step: decide, look, rewrite, install.
//
// Who calls it (broker/compaction_threads) owns threads, time and pace; nothing here waits by itself. One thread at a
// time. A compactor remembers what it has looked at in vain, so that the same work is not begun again before the
// bound, the due tombstones or log start have moved; losing that memory costs only a look.
//
// Errors of a step leave the log as it was. A value that the keydir lacks, or damage in an input, quarantines the
// partition through the port before the error is returned. Others (storage_full, io_error, cancelled, in_use, ...)
// are for the caller to wait out.

#include <functional>
#include <string>

#include "compactor/input_reader.h"
#include "compactor/plan.h"
#include "compactor/stats.h"
#include "compactor/survey.h"

namespace logcask {

class Compactor {
 public:
  struct Options {
    std::uint64_t disk_reserve_bytes = 64u << 20;
    std::uint64_t disk_low_bytes = 1u << 30;
    std::size_t batch_bytes = 32 * 1024;
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

  // Steps until nothing is due. `progress` hears the sum so far after each.
  Result<CompactionStats> run_due(CompactionMode mode, const Pace& pace,
                                  const std::function<void(const CompactionStats&)>& progress = {});

 private:
  Decision decide(const CompactionState& state, CompactionMode mode);
  Status note_clean(const CompactionState& state, const Decision& decision, Step& step);
  Status execute(const CompactionState& state, const Plan& plan, CompactionMode mode, const Pace& pace, Step& step);
  Result<Survey> look(std::span<const CompactionSegment> inputs, const KeepRules& rules, const Pace& pace);
  enum class Worth : std::uint8_t { rewrite, nothing, little };
  Worth worth(const CompactionState& state, const Plan& plan, CompactionMode mode, const Survey& survey) const;
  Status rewrite(const CompactionState& state, const Plan& plan, const Survey& survey, const KeepRules& rules,
                 const Pace& pace, Step& step);
  Status failed(Status status);

  CompactionPort& port_;
  const Options options_;
  SettledSegments settled_;   // nothing can go
  SettledSegments little_;    // too little to be worth it in the background
  SettledSegments unmerged_;  // merging made no fewer segments
};

}  // namespace logcask
