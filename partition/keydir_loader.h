#pragma once
// Fills a keydir at open: from hints where they are valid, from the logs where they are not.
//
// Loads go by the highest offset, so segments may be given in any order, by several loaders at once (one loader per
// thread), and while commits go on. A hint is used only when size and digest of its log and the fingerprint of the
// hash secret are those expected; of a damaged one the entries before the damage count (each is true), the log says
// the rest. A segment that cannot be read is reported as a damaged range and the load goes on (docs/ARCHITECTURE.md,
// invariant 8).
//
// Threads: a loader belongs to one thread. Owner: whoever opens the partition. The sink takes the partition's lock.
// Errors: only those of the sink, and those that say nothing about the segment (limit_exceeded, permission_denied).

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/key_hash.h"
#include "base/result.h"
#include "partition/hint_builder.h"
#include "partition/keydir.h"
#include "partition/keyed_records.h"
#include "partition/manifest.h"
#include "segment/segment.h"

namespace logcask {

// Where entries go. Blocks hold up to kHintBlockEntries (8192) entries: an implementation that takes a lock cuts
// them into slices itself.
class KeydirLoadSink {
 public:
  virtual ~KeydirLoadSink() = default;
  // An error stops the load (cancelled when the partition closes).
  virtual Status load(std::span<const KeydirRaise> entries) = 0;
};

// What loading one segment found.
struct SegmentLoad {
  enum class Source : std::uint8_t {
    hint,          // whole, nothing of the log was read
    partial_hint,  // a hint, then the log behind it
    log,           // no usable hint
  };
  SegmentName name;
  Source source = Source::log;
  // Why a hint that is there was not (wholly) used; empty when it was, or there was none. Rebuild it from the log.
  std::string hint_fault;
  std::uint64_t hint_entries = 0;     // read from the hint
  std::uint64_t scanned_records = 0;  // read from the log
  // Over all records of the segment; of a damaged one those before the damage.
  std::uint64_t records = 0;
  std::uint64_t tombstones = 0;
  // Offsets whose records could not be read.
  std::optional<DamagedRange> damaged;
};

struct KeydirLoadReport {
  std::uint64_t hint_entries = 0;
  std::uint64_t scanned_records = 0;
  std::uint32_t segments = 0;
  double seconds = 0;
};

class KeydirLoader {
 public:
  struct Options {
    const KeyHasher* hasher = nullptr;
    const Clock* clock = nullptr;
    Offset log_start;  // records below are absent
    std::size_t max_decompressed_bytes = 256u << 20;
  };
  // `sink` outlives the loader.
  KeydirLoader(std::shared_ptr<Directory> directory, const Options& options, KeydirLoadSink& sink)
      : directory_(std::move(directory)), options_(options), sink_(sink) {}

  // Loads [base, extent.next_offset) of the segment. For the active one: an extent that lies below the end that is
  // already committed; what comes later enters by being committed.
  Result<SegmentLoad> load(const Segment& segment, const HintExtent& extent);
  Result<SegmentLoad> load(const Segment& closed) { return load(closed, extent_of(closed.facts())); }

  const KeydirLoadReport& report() const { return report_; }

 private:
  struct Pass {
    KeyedTotals totals;
    Status log;  // of the last walk over the log
  };
  std::optional<HintReader> usable_hint(const Segment& segment, const HintExtent& extent, SegmentLoad& result);
  // False when the hint proved wrong or damaged: the log must be read from its beginning.
  bool load_with_hint(const Segment& segment, const HintExtent& extent, const HintReader& hint, Pass& pass,
                      SegmentLoad& result);
  Status load_entries(const HintReader& hint, SegmentLoad& result);
  Status load_log(const Segment& segment, const KeyedRange& range, KeyedTotals& totals, SegmentLoad& result);
  Status flush();
  void note(const SegmentLoad& result, std::int64_t start_ns);

  const std::shared_ptr<Directory> directory_;
  const Options options_;
  KeydirLoadSink& sink_;
  KeydirLoadReport report_;
  bool stopped_ = false;             // by the sink
  std::vector<KeydirRaise> raises_;  // reused from block to block
};

}  // namespace logcask
