#include "compactor/input_reader.h"

#include <algorithm>

namespace logcask {
namespace {

constexpr std::size_t kProbeRecords = 64;
constexpr std::size_t kGroupBytes = 64 * 1024;
constexpr std::size_t kScratchKept = 16;

}  // namespace

Status InputReader::read(const Segment& segment, const GroupCallback& take) {
  segment_ = &segment;
  small_.clear();
  small_records_ = 0;
  LOGCASK_TRY(segment.scan([&](const ScannedBatch& batch) { return add(batch, take); }));
  return flush(take);
}

Status InputReader::add(const ScannedBatch& batch, const GroupCallback& take) {
  const auto records = static_cast<std::size_t>(batch.header.record_count);
  if (small_.empty() && (records >= kProbeRecords || batch.bytes.size() >= kGroupBytes))
    return probe(batch.bytes, take);
  small_.append(batch.bytes);
  small_records_ += records;
  if (small_records_ < kProbeRecords && small_.size() < kGroupBytes) return {};
  return flush(take);
}

Status InputReader::flush(const GroupCallback& take) {
  if (small_.empty()) return {};
  const Status probed = probe(small_, take);
  small_.clear();
  small_records_ = 0;
  return probed;
}

Status InputReader::probe(ByteView bytes, const GroupCallback& take) {
  LOGCASK_TRY(decode(bytes));
  ask();
  return take(group_);
}

Status InputReader::decode(ByteView bytes) {
  group_.batches.clear();
  group_.identities.clear();
  offsets_.clear();
  scratch_used_ = 0;
  if (scratch_.size() > kScratchKept) scratch_.resize(kScratchKept);
  const KeyHasher& hasher = port_.hasher();
  const std::size_t max_bytes = port_.environment()->max_decompressed_bytes;
  while (!bytes.empty()) {
    LOGCASK_ASSIGN(const BatchHeader header, decode_batch_header(bytes));
    ProbedBatch batch{header, bytes.substr(0, header.total_bytes()), {}, offsets_.size()};
    bytes.remove_prefix(header.total_bytes());
    if (header.control()) {
      group_.batches.push_back(batch);
      continue;
    }
    if (scratch_used_ == scratch_.size()) scratch_.emplace_back();
    const auto section = batch_records(header, batch.bytes, max_bytes, scratch_[scratch_used_]);
    if (!section.ok())
      return segment_->undecodable("offset " + std::to_string(header.base_offset.value()), section.error());
    if (header.compression() != Compression::none) ++scratch_used_;
    batch.records = *section;
    RecordCursor cursor(header, batch.records);
    RecordView record;
    while (true) {
      const auto more = cursor.next(record);
      if (!more.ok())
        return segment_->undecodable("offset " + std::to_string(header.base_offset.value()), more.error());
      if (!*more) break;
      if (!record.key) continue;
      group_.identities.push_back(hasher.identity(*record.key));
      offsets_.push_back(record.offset);
    }
    group_.batches.push_back(batch);
  }
  return {};
}

void InputReader::ask() {
  group_.answers.assign(offsets_.size(), ProbeAnswer());
  for (std::size_t at = 0; at < offsets_.size(); at += kProbeRecords) {
    const std::size_t count = std::min(kProbeRecords, offsets_.size() - at);
    port_.probe(std::span(group_.identities).subspan(at, count), std::span(offsets_).subspan(at, count),
                offsets_[at + count - 1] + 1, std::span(group_.answers).subspan(at, count));
  }
}

}  // namespace logcask
