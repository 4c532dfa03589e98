#include "partition/keyed_records.h"

#include <algorithm>
#include <string>
#include <vector>

namespace logcask {
namespace {

constexpr std::size_t kGroupRecords = 1024;

class KeyedScan {
 public:
  KeyedScan(const Segment& segment, const KeyedRange& range, const KeyHasher& hasher,
            std::size_t max_decompressed_bytes, KeyedTotals& totals, const KeyedCallback& take)
      : segment_(segment),
        range_(range),
        hasher_(hasher),
        max_decompressed_bytes_(max_decompressed_bytes),
        totals_(totals),
        take_(take) {
    group_.reserve(kGroupRecords);
  }

  Status run() {
    if (range_.from >= segment_.next_offset()) return {};
    const Status scanned = segment_.scan(range_.from, [this](const ScannedBatch& batch) { return add(batch); });
    // What was read before the damage counts.
    const Status flushed = flush();
    return scanned.ok() || at_end_ ? flushed : scanned;
  }

 private:
  Status add(const ScannedBatch& batch) {
    if (batch.position >= range_.end_position) {
      at_end_ = true;
      return Error{Errc::cancelled, "the end of the range"};
    }
    if (first_ && range_.from_position && batch.position != *range_.from_position)
      return Error{Errc::corrupt_file,
                   segment_.describe() + ": no batch begins at position " + std::to_string(*range_.from_position)};
    first_ = false;
    LOGCASK_TRY(add_records(batch));
    totals_.next_offset = batch.header.next_offset();
    if (!range_.until_keyless || !totals_.keyless) return {};
    at_end_ = true;
    return Error{Errc::cancelled, "a record without a key"};
  }

  Status add_records(const ScannedBatch& batch) {
    if (batch.header.control()) {
      totals_.records += static_cast<std::uint64_t>(batch.header.record_count);
      return {};
    }
    const auto section = batch_records(batch.header, batch.bytes, max_decompressed_bytes_, scratch_);
    if (!section.ok()) return segment_.undecodable("position " + std::to_string(batch.position), section.error());
    RecordCursor cursor(batch.header, *section);
    RecordView record;
    while (true) {
      const auto more = cursor.next(record);
      if (!more.ok()) return segment_.undecodable("position " + std::to_string(batch.position), more.error());
      if (!*more) return {};
      count(record);
      if (!record.key) {
        if (!totals_.keyless && record.offset >= range_.from) totals_.keyless = record.offset;
        continue;
      }
      group_.push_back({hasher_.identity(*record.key), record.offset, record.encoded_bytes, record.tombstone()});
      if (group_.size() == kGroupRecords) LOGCASK_TRY(flush());
    }
  }

  void count(const RecordView& record) {
    ++totals_.records;
    totals_.record_bytes += record.encoded_bytes;
    totals_.tombstones += record.tombstone();
    totals_.max_timestamp = std::max(totals_.max_timestamp, record.timestamp);
  }

  Status flush() {
    if (group_.empty()) return {};
    if (refused_) return {};
    Status taken = take_(group_);
    group_.clear();
    refused_ = !taken.ok();
    return taken;
  }

  const Segment& segment_;
  const KeyedRange& range_;
  const KeyHasher& hasher_;
  const std::size_t max_decompressed_bytes_;
  KeyedTotals& totals_;
  const KeyedCallback& take_;
  std::vector<KeyedRecord> group_;
  std::string scratch_;
  bool first_ = true;
  bool at_end_ = false;
  bool refused_ = false;
};

}  // namespace

Status walk_keyed_records(const Segment& segment, const KeyedRange& range, const KeyHasher& hasher,
                          std::size_t max_decompressed_bytes, KeyedTotals& totals, const KeyedCallback& take) {
  return KeyedScan(segment, range, hasher, max_decompressed_bytes, totals, take).run();
}

}  // namespace logcask
