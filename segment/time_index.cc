#include "segment/time_index.h"

#include <algorithm>

#include "base/check.h"
#include "base/coding.h"
#include "segment/derived_file.h"

namespace logcask {
namespace {

constexpr std::string_view kTimeIndexKind = "LCTX";

}  // namespace

void TimeIndex::add_batch(const BatchHeader& header, std::uint64_t position) {
  const std::int64_t known = entries_.empty() ? kNoTimestamp.value() : entries_.back().max_timestamp;
  if (position - last_position_ >= kTimeIndexIntervalBytes && max_timestamp_.value() > known) {
    const std::int64_t delta = header.base_offset - name_.base;
    LOGCASK_CHECK(delta >= 0 && delta <= kMaxSegmentSpan);
    entries_.push_back({max_timestamp_.value(), static_cast<std::uint32_t>(delta)});
    last_position_ = position;
  }
  max_timestamp_ = std::max(max_timestamp_, header.max_timestamp);
}

Offset TimeIndex::find(TimestampMs timestamp) const {
  const auto above = std::partition_point(entries_.begin(), entries_.end(),
                                          [&](const Entry& e) { return e.max_timestamp < timestamp.value(); });
  return above == entries_.begin() ? name_.base : name_.base + (above - 1)->offset_delta;
}

std::string TimeIndex::encode(const SegmentFacts& facts) const {
  std::string payload;
  ByteWriter writer(payload);
  writer.fixed(max_timestamp_.value());
  writer.fixed(static_cast<std::uint32_t>(entries_.size()));
  for (const Entry& entry : entries_) {
    writer.fixed(entry.max_timestamp);
    writer.fixed(entry.offset_delta);
  }
  return encode_derived_file(kTimeIndexKind, facts, payload);
}

Result<TimeIndex> TimeIndex::decode(ByteView file, const SegmentFacts& facts) {
  LOGCASK_ASSIGN(const ByteView payload, decode_derived_file(kTimeIndexKind, facts, file, "time index"));
  TimeIndex index(facts.name);
  ByteReader reader(payload);
  index.max_timestamp_ = TimestampMs(reader.fixed<std::int64_t>());
  const auto count = reader.fixed<std::uint32_t>();
  constexpr std::size_t kEntryBytes = 12;
  const auto corrupt = [&](const char* why) {
    return Error{Errc::corrupt_file, "time index of " + segment_filename(facts.name, SegmentFile::log) + ": " + why};
  };
  if (!reader.ok() || reader.remaining() != count * kEntryBytes) return corrupt("wrong lengths");
  index.entries_.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto max_timestamp = reader.fixed<std::int64_t>();
    const auto offset_delta = reader.fixed<std::uint32_t>();
    // find() takes for granted that both rise.
    const Entry before = i > 0 ? index.entries_.back() : Entry{kNoTimestamp.value(), 0};
    if (max_timestamp <= before.max_timestamp || max_timestamp > index.max_timestamp_.value() ||
        (i > 0 && offset_delta <= before.offset_delta) ||
        static_cast<std::int64_t>(offset_delta) >= facts.next_offset - facts.name.base)
      return corrupt("its entries contradict each other or the log");
    index.entries_.push_back({max_timestamp, offset_delta});
  }
  return index;
}

}  // namespace logcask
