#include "partition/hint_builder.h"

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "base/mutant.h"
#include "partition/keyed_records.h"

namespace logcask {
namespace {

constexpr std::size_t kHintProbeRecords = 64;

class HintBuilder {
 public:
  explicit HintBuilder(const HintBuild& build) : build_(build), name_(build.segment->name()) {}

  // `older` is taken over; nothing = from the log alone.
  Result<HintHeader> run(const HintReader* older) {
    LOGCASK_ASSIGN(writer_, HintWriter::create(build_.directory, name_));
    KeyedTotals totals;
    totals.next_offset = name_.base;
    KeyedRange range{name_.base, build_.extent.position, 0};
    if (older) {
      const HintHeader& header = older->header();
      totals = {header.records, header.record_bytes, header.tombstones, header.max_timestamp, header.covered_next};
      range.from = header.covered_next;
      range.from_position = header.covered_position;
      LOGCASK_TRY(older->read([this](std::span<const HintEntry> entries) { return take_over(entries); }));
    }
    if (range.from_position < build_.extent.position) {
      LOGCASK_TRY(walk_keyed_records(*build_.segment, range, *build_.hasher, build_.max_decompressed_bytes, totals,
                                     [this](std::span<const KeyedRecord> records) { return add(records); }));
    }
    LOGCASK_TRY(flush());
    if (totals.next_offset != build_.extent.next_offset)
      return Error{Errc::corrupt_file, build_.segment->describe() + ": its records end at offset " +
                                           std::to_string(totals.next_offset.value()) + " instead of " +
                                           std::to_string(build_.extent.next_offset.value())};
    HintHeader header = header_of(totals);
    LOGCASK_TRY(writer_->finish(header));
    header.entries = entries_;
    return header;
  }

 private:
  Status take_over(std::span<const HintEntry> entries) {
    LOGCASK_TRY(go_on());
    for (const HintEntry& entry : entries) LOGCASK_TRY(ask(entry));
    return {};
  }

  Status add(std::span<const KeyedRecord> records) {
    LOGCASK_TRY(go_on());
    for (const KeyedRecord& record : records)
      LOGCASK_TRY(
          ask(HintEntry::make(record.identity, name_.base, record.offset, record.encoded_bytes, record.tombstone)));
    return {};
  }

  Status go_on() const { return build_.keep_going ? build_.keep_going() : Status(); }

  Status ask(const HintEntry& entry) {
    asked_.push_back(entry);
    return asked_.size() == kHintProbeRecords ? flush() : Status();
  }

  Status flush() {
    identities_.clear();
    offsets_.clear();
    for (const HintEntry& entry : asked_) {
      identities_.push_back(entry.identity());
      offsets_.push_back(entry.offset(name_.base));
    }
    live_.assign(asked_.size(), false);
    if (!asked_.empty()) build_.live(identities_, offsets_, live_);
    std::size_t kept = 0;
    for (std::size_t i = 0; i < asked_.size(); ++i)
      if (asked_[i].tombstone() ? !mutant(Mutant::hint_without_tombstones) : live_[i]) asked_[kept++] = asked_[i];
    asked_.resize(kept);
    entries_ += kept;
    const Status added = writer_->add(asked_);
    asked_.clear();
    return added;
  }

  HintHeader header_of(const KeyedTotals& totals) const {
    HintHeader header;
    header.name = name_;
    header.covered_position = build_.extent.position;
    header.covered_next = build_.extent.next_offset;
    header.digest = build_.extent.digest;
    header.secret_fingerprint = build_.hasher->secret_fingerprint();
    header.records = totals.records;
    header.record_bytes = totals.record_bytes;
    header.tombstones = totals.tombstones;
    header.max_timestamp = totals.max_timestamp;
    return header;
  }

  const HintBuild& build_;
  const SegmentName name_;
  std::unique_ptr<HintWriter> writer_;
  std::uint64_t entries_ = 0;
  std::vector<HintEntry> asked_;
  std::vector<KeyIdentity> identities_;
  std::vector<Offset> offsets_;
  std::vector<bool> live_;
};

}  // namespace

bool hint_is_whole(const HintHeader& header, const HintExtent& extent) {
  return header.covered_position == extent.position && header.covered_next == extent.next_offset &&
         header.digest == extent.digest;
}

bool hint_fits(const HintHeader& header, const HintExtent& extent, const KeyHasher& hasher) {
  if (header.secret_fingerprint != hasher.secret_fingerprint()) return false;
  if (hint_is_whole(header, extent)) return true;
  // The digest of a part cannot be checked without reading it: the log must go on exactly where the part ends.
  return !header.name.rewritten() && header.covered_position > 0 && header.covered_position < extent.position &&
         header.covered_next > header.name.base && header.covered_next < extent.next_offset;
}

Result<HintHeader> build_hint(const HintBuild& build) {
  auto older = HintReader::open(*build.directory, build.segment->name());
  const bool usable = older.ok() && hint_fits(older->header(), build.extent, *build.hasher);
  const bool whole = usable && hint_is_whole(older->header(), build.extent);
  if (whole && older->read([](std::span<const HintEntry>) { return Status(); }).ok()) return older->header();
  if (usable && !whole) {
    auto extended = HintBuilder(build).run(&*older);
    if (extended.code() != Errc::corrupt_file) return extended;
  }
  return HintBuilder(build).run(nullptr);
}

}  // namespace logcask
