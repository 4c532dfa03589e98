#include "partition/keydir_loader.h"

#include <utility>

namespace logcask {
namespace {

// Errors that say this segment's bytes cannot be had, as opposed to "not now".
bool is_damage(Errc code) {
  return code == Errc::corrupt_range || code == Errc::corrupt_file || code == Errc::corrupt_message ||
         code == Errc::io_error || code == Errc::not_found;
}

}  // namespace

Status KeydirLoader::flush() {
  if (raises_.empty()) return {};
  Status loaded = sink_.load(raises_);
  raises_.clear();
  stopped_ = !loaded.ok();
  return loaded;
}

Status KeydirLoader::load_entries(const HintReader& hint, SegmentLoad& result) {
  const Offset base = hint.header().name.base;
  const Offset log_start = options_.log_start;
  return hint.read([&](std::span<const HintEntry> entries) {
    raises_.resize(entries.size());
    std::size_t count = 0;
    for (const HintEntry& entry : entries) {
      raises_[count] = {entry.identity(), entry.offset(base), entry.tombstone()};
      count += raises_[count].offset >= log_start;
    }
    raises_.resize(count);
    result.hint_entries += entries.size();
    return flush();
  });
}

Status KeydirLoader::load_log(const Segment& segment, const KeyedRange& range, KeyedTotals& totals,
                              SegmentLoad& result) {
  return walk_keyed_records(segment, range, *options_.hasher, options_.max_decompressed_bytes, totals,
                            [&](std::span<const KeyedRecord> records) {
                              for (const KeyedRecord& record : records)
                                if (record.offset >= options_.log_start)
                                  raises_.push_back({record.identity, record.offset, record.tombstone});
                              result.scanned_records += records.size();
                              return flush();
                            });
}

std::optional<HintReader> KeydirLoader::usable_hint(const Segment& segment, const HintExtent& extent,
                                                    SegmentLoad& result) {
  auto hint = HintReader::open(*directory_, segment.name());
  if (!hint.ok()) {
    if (hint.code() != Errc::not_found) result.hint_fault = hint.error().message;
    return std::nullopt;
  }
  if (!hint_fits(hint->header(), extent, *options_.hasher)) {
    result.hint_fault = "the hint belongs to another state of the log or to another hash secret";
    return std::nullopt;
  }
  return std::move(hint).value();
}

// The log behind the hint first: only there it shows whether a partial hint is this log's.
bool KeydirLoader::load_with_hint(const Segment& segment, const HintExtent& extent, const HintReader& hint, Pass& pass,
                                  SegmentLoad& result) {
  const HintHeader& header = hint.header();
  pass.totals = {header.records, header.record_bytes, header.tombstones, header.max_timestamp, header.covered_next};
  const bool whole = hint_is_whole(header, extent);
  if (!whole) {
    const KeyedRange behind{header.covered_next, extent.position, header.covered_position};
    pass.log = load_log(segment, behind, pass.totals, result);
    if (stopped_) return true;
    if (pass.log.code() == Errc::corrupt_file) {
      result.hint_fault = pass.log.error().message;
      return false;
    }
  }
  const Status entries = load_entries(hint, result);
  if (!entries.ok() && !stopped_) result.hint_fault = entries.error().message;
  if (stopped_) pass.log = entries;
  result.source = whole ? SegmentLoad::Source::hint : SegmentLoad::Source::partial_hint;
  return entries.ok() || stopped_;
}

Result<SegmentLoad> KeydirLoader::load(const Segment& segment, const HintExtent& extent) {
  const std::int64_t start_ns = options_.clock->monotonic_ns();
  SegmentLoad result;
  result.name = segment.name();
  Pass pass;
  const std::optional<HintReader> hint = usable_hint(segment, extent, result);
  if (!hint || !load_with_hint(segment, extent, *hint, pass, result)) {
    result.source = SegmentLoad::Source::log;
    pass = Pass();
    pass.totals.next_offset = segment.base();
    pass.log = load_log(segment, {segment.base(), extent.position, std::nullopt}, pass.totals, result);
  }
  if (stopped_ || (!pass.log.ok() && !is_damage(pass.log.code()))) return std::move(pass.log).error();
  if (!pass.log.ok())
    result.damaged = DamagedRange{pass.totals.next_offset, extent.next_offset, pass.log.error().message};
  result.records = pass.totals.records;
  result.tombstones = pass.totals.tombstones;
  note(result, start_ns);
  return result;
}

void KeydirLoader::note(const SegmentLoad& result, std::int64_t start_ns) {
  ++report_.segments;
  report_.hint_entries += result.hint_entries;
  report_.scanned_records += result.scanned_records;
  report_.seconds += static_cast<double>(options_.clock->monotonic_ns() - start_ns) * 1e-9;
}

}  // namespace logcask
