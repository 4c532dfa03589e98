#include "partition/replay_filter.h"

#include <algorithm>

namespace logcask {
namespace {

constexpr std::size_t kFilterProbeRecords = 64;

bool needed(const RecordView& tombstone, const ReplayFilter& filter, const KeyHasher& hasher) {
  return filter.needs_tombstone && filter.needs_tombstone(hasher.identity(*tombstone.key));
}

bool record_passes(const RecordView& record, Offset from, Offset end, const ReplayFilter& filter,
                   const KeyHasher& hasher) {
  if (record.offset < from || record.offset >= end) return false;
  if (filter.live_only && !record.key) return false;
  if (filter.live_only && record.tombstone() && !needed(record, filter, hasher)) return false;
  return filter.key_prefix.empty() || (record.key && record.key->starts_with(filter.key_prefix));
}

// Clears wanted[i] for the records that the keydir no longer names.
void drop_dead(const std::vector<RecordView>& records, const KeyHasher& hasher, const LivenessProbe& probe,
               std::vector<bool>& wanted) {
  std::vector<std::size_t> asked;
  std::vector<KeyIdentity> identities;
  std::vector<Offset> offsets;
  std::vector<bool> live;
  const auto ask = [&] {
    probe(identities, offsets, live);
    for (std::size_t i = 0; i < asked.size(); ++i) wanted[asked[i]] = live[i];
    asked.clear();
    identities.clear();
    offsets.clear();
  };
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (!wanted[i]) continue;
    asked.push_back(i);
    identities.push_back(hasher.identity(*records[i].key));
    offsets.push_back(records[i].offset);
    if (asked.size() == kFilterProbeRecords) ask();
  }
  if (!asked.empty()) ask();
}

Status filter_batch(const BatchHeader& header, ByteView batch, Offset from, Offset end, const ReplayFilter& filter,
                    const KeyHasher& hasher, const LivenessProbe& probe, std::size_t max_decompressed_bytes,
                    std::string& out) {
  std::string scratch;
  LOGCASK_ASSIGN(const ByteView section, batch_records(header, batch, max_decompressed_bytes, scratch));
  RecordCursor cursor(header, section);
  std::vector<RecordView> records;
  std::vector<bool> wanted;
  RecordView record;
  while (true) {
    LOGCASK_ASSIGN(const bool more, cursor.next(record));
    if (!more) break;
    records.push_back(record);
    wanted.push_back(record_passes(record, from, end, filter, hasher));
  }
  if (filter.live_only) drop_dead(records, hasher, probe, wanted);
  if (!filter.keys_only && std::find(wanted.begin(), wanted.end(), false) == wanted.end()) {
    out.append(batch);
    return {};
  }
  BatchBuilder::Options options;
  options.timestamp_type = header.timestamp_type();
  options.leader_epoch = header.leader_epoch;
  BatchBuilder builder(header.base_offset, options);
  for (std::size_t i = 0; i < records.size(); ++i) {
    if (!wanted[i]) continue;
    if (filter.keys_only && !records[i].tombstone()) records[i].value = ByteView();
    builder.add(records[i]);
  }
  return builder.empty() ? Status() : builder.finish(out, header.last_offset());
}

}  // namespace

Status filter_batches(ByteView batches, Offset from, Offset end, const ReplayFilter& filter, const KeyHasher& hasher,
                      const LivenessProbe& probe, std::size_t max_decompressed_bytes, std::string& out) {
  while (!batches.empty()) {
    LOGCASK_ASSIGN(const BatchHeader header, decode_batch_header(batches));
    const ByteView batch = batches.substr(0, header.total_bytes());
    batches.remove_prefix(header.total_bytes());
    if (header.control() || header.record_count == 0) continue;
    const bool inside = header.base_offset >= from && header.next_offset() <= end;
    if (inside && filter.passes_everything()) {
      out.append(batch);
      continue;
    }
    LOGCASK_TRY(filter_batch(header, batch, from, end, filter, hasher, probe, max_decompressed_bytes, out));
  }
  return {};
}

}  // namespace logcask
