#include "partition/producer_recovery.h"

#include <algorithm>
#include <string>
#include <utility>

#include "segment/batch_scan.h"
#include "segment/digest.h"
#include "segment/filename.h"

namespace logcask {
namespace {

constexpr std::uint64_t kMaxSnapshotBytes = 256u << 20;

}  // namespace

Status ProducerRecovery::load(Directory& directory, const Manifest& manifest,
                              const std::vector<std::shared_ptr<const Segment>>& closed) {
  if (!manifest.producer_snapshot_name.empty()) LOGCASK_TRY(load_snapshot(directory, manifest));
  for (const auto& segment : closed)
    if (segment->next_offset() > known_to_) LOGCASK_TRY(learn_segment(directory, *segment));
  known_to_ = std::max(known_to_, manifest.closed_end());
  return {};
}

Status ProducerRecovery::load_snapshot(Directory& directory, const Manifest& manifest) {
  rebuilt_ = true;
  Result<std::string> bytes = read_file(directory, manifest.producer_snapshot_name, kMaxSnapshotBytes);
  // No descriptor to spare, or no permission: what is there must not be given up for that.
  if (bytes.code() == Errc::limit_exceeded || bytes.code() == Errc::permission_denied) return std::move(bytes).error();
  if (!bytes.ok() || xxh3_64(*bytes) != manifest.producer_snapshot_digest) return {};
  Result<ProducerState::Snapshot> snapshot = ProducerState::decode_snapshot(*bytes, config_);
  if (!snapshot.ok()) return {};
  state_ = std::move(snapshot->state);
  known_to_ = manifest.producer_snapshot_end;
  rebuilt_ = false;
  return {};
}

Status ProducerRecovery::learn_segment(Directory& directory, const Segment& segment) {
  const SegmentFacts facts = segment.facts();
  Offset next = std::max(segment.base(), known_to_);
  const Status scanned = segment.scan(next, [&](const ScannedBatch& batch) -> Status {
    learn(batch.header, facts.last_append);
    next = std::max(next, batch.header.next_offset());
    return {};
  });
  if (scanned.ok()) return {};
  // A damaged segment yields what it has; the damage itself is known already or found when it is read.
  if (scanned.code() != Errc::corrupt_range && scanned.code() != Errc::not_found) return scanned.error();
  auto file = directory.open(segment_filename(facts.name, SegmentFile::log), OpenMode::read);
  if (file.code() == Errc::not_found) return {};
  if (!file.ok()) return std::move(file).error();
  return learn_behind_damage(**file, facts.name, next, facts.size_bytes, facts.last_append);
}

void ProducerRecovery::learn(const BatchHeader& header, TimestampMs seen) {
  if (header.base_offset < known_to_ || !header.has_producer() || header.control()) return;
  if (header.timestamp_type() == TimestampType::log_append_time) seen = header.max_timestamp;
  state_.record(header.producer_id, header.producer_epoch, header.base_sequence, header.record_count,
                header.base_offset, header.last_offset(), seen);
}

Status ProducerRecovery::learn_behind_damage(const File& file, SegmentName name, Offset from, std::uint64_t end,
                                             TimestampMs seen) {
  if (name.rewritten()) return {};
  LOGCASK_ASSIGN(const std::uint64_t size, file.size());
  if (size < end) return {};
  ScanOptions options;
  options.name = name;
  options.expected = name.base;
  options.end_position = end;
  options.check_crc = false;
  const auto scanned = scan_batches(file, options, [&](const ScannedBatch& batch) -> Status {
    if (batch.header.base_offset >= from && batch_crc_holds(batch.bytes)) learn(batch.header, seen);
    return {};
  });
  return scanned.ok() ? Status() : Status(scanned.error());
}

}  // namespace logcask
