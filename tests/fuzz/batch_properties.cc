#include "tests/fuzz/batch_properties.h"

#include <algorithm>

#include "base/crc32c.h"
#include "base/key_hash.h"
#include "partition/replay_filter.h"
#include "segment/record_skim.h"
#include "tests/fuzz/fuzz.h"

namespace logcask::fuzz {
namespace {

const KeyHasher& hasher() {
  static const KeyHasher hasher{KeyHasher::Secret{}};
  return hasher;
}

std::optional<std::string> owned(const std::optional<ByteView>& bytes) {
  if (!bytes) return std::nullopt;
  return std::string(*bytes);
}

// Every third record is dead: enough to have batches of which all, some and none pass.
bool alive(Offset offset) { return offset.value() % 3 != 2; }

void probe(std::span<const KeyIdentity> identities, std::span<const Offset> offsets, std::vector<bool>& live) {
  LOGCASK_CHECK(identities.size() == offsets.size());
  live.assign(offsets.size(), false);
  for (std::size_t i = 0; i < offsets.size(); ++i) live[i] = alive(offsets[i]);
}

bool passes(const OwnRecord& record, Offset from, Offset end, const ReplayFilter& filter) {
  if (record.offset < from || record.offset >= end) return false;
  if (filter.live_only && (!record.value || !record.key || !alive(record.offset))) return false;
  return filter.key_prefix.empty() || (record.key && record.key->starts_with(filter.key_prefix));
}

std::vector<OwnRecord> read_batches(ByteView batches) {
  std::vector<OwnRecord> all;
  std::string scratch;
  while (!batches.empty()) {
    const auto header = decode_batch_header(batches);
    LOGCASK_CHECK(header.ok() && header->total_bytes() <= batches.size());
    const ByteView batch = batches.substr(0, header->total_bytes());
    LOGCASK_CHECK(batch_crc_holds(batch));
    const auto section = batch_records(*header, batch, kMaxDecompressedBytes, scratch);
    LOGCASK_CHECK(section.ok());
    bool whole = false;
    for (OwnRecord& record : read_records(*header, *section, whole)) all.push_back(std::move(record));
    LOGCASK_CHECK(whole);
    batches.remove_prefix(batch.size());
  }
  return all;
}

// What passes a replay's filter is what a walk over the records says, nothing else.
void check_filter(const BatchHeader& header, ByteView batch, const std::vector<OwnRecord>& records, int choice) {
  ReplayFilter filter;
  filter.live_only = (choice & 1) != 0;
  filter.keys_only = (choice & 2) != 0;
  if ((choice & 4) != 0 && records[0].key) filter.key_prefix = records[0].key->substr(0, 1);
  const Offset from = header.base_offset + (choice > 3 ? 1 : 0);
  const Offset end = header.next_offset() - (choice == 2 ? 1 : 0);
  std::vector<OwnRecord> expected;
  for (const OwnRecord& record : records) {
    if (!passes(record, from, end, filter)) continue;
    expected.push_back(record);
    if (filter.keys_only && record.value) expected.back().value = "";
  }
  std::string out;
  LOGCASK_CHECK(filter_batches(batch, from, end, filter, hasher(), probe, kMaxDecompressedBytes, out).ok());
  LOGCASK_CHECK(read_batches(out) == expected);
}

// The skim sees every record where the cursor does.
void check_skim(ByteView section, const std::vector<CheckedRecord>& records) {
  RecordSkim skim(section);
  for (std::size_t i = 0; i < records.size(); ++i) {
    std::int32_t delta = -1;
    std::size_t bytes = 0;
    std::size_t length = 0;
    LOGCASK_CHECK(skim.peek(delta, bytes) && skim.peek_length(length) && bytes == length);
    LOGCASK_CHECK(bytes == records[i].encoded_bytes && delta == static_cast<std::int32_t>(i));
    LOGCASK_CHECK(skim.skip(bytes));
  }
  LOGCASK_CHECK(skim.at_end());
}

// Of bytes that are no records the skim must only end.
void skim_rubbish(ByteView section) {
  RecordSkim skim(section);
  std::int32_t delta = 0;
  std::size_t bytes = 0;
  while (!skim.at_end() && skim.peek(delta, bytes)) {
    LOGCASK_CHECK(bytes > 0);
    if (!skim.skip(bytes)) break;
  }
}

void check_records(const CheckedBatch& checked, ByteView section, const std::vector<OwnRecord>& records) {
  LOGCASK_CHECK(records.size() == checked.records.size());
  std::size_t position = 0;
  TimestampMs max_timestamp = records[0].timestamp;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const CheckedRecord& record = checked.records[i];
    LOGCASK_CHECK(records[i].offset == checked.header.base_offset + static_cast<std::int64_t>(i));
    LOGCASK_CHECK(record.has_key == records[i].key.has_value() && record.tombstone == !records[i].value.has_value());
    LOGCASK_CHECK(!record.has_key || record.key == *records[i].key);
    LOGCASK_CHECK(record.timestamp == records[i].timestamp && record.position == position);
    position += record.encoded_bytes;
    max_timestamp = std::max(max_timestamp, record.timestamp);
  }
  LOGCASK_CHECK(position == section.size() && max_timestamp == checked.max_timestamp);
}

// Written anew by the builder the records read as they were.
void check_rewritten(const BatchHeader& header, ByteView section, const std::vector<OwnRecord>& records) {
  BatchBuilder::Options options;
  options.compression = header.compression();
  BatchBuilder copied(header.base_offset, options);
  BatchBuilder decoded(header.base_offset, options);
  RecordCursor cursor(header, section);
  RecordView view;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const auto more = cursor.next(view);
    LOGCASK_CHECK(more.ok() && *more);
    copied.add(view);
    const auto headers = decode_headers(view);
    LOGCASK_CHECK(headers.size() == static_cast<std::size_t>(view.header_count));
    decoded.add(view.offset, view.timestamp, view.key, view.value, headers);
  }
  std::string batch;
  LOGCASK_CHECK(copied.finish(batch, header.last_offset()).ok());
  LOGCASK_CHECK(read_batches(batch) == records);
  std::string again;
  LOGCASK_CHECK(decoded.finish(again, header.last_offset()).ok());
  // Headers may have been written with longer numbers than ours.
  auto same = read_batches(again);
  LOGCASK_CHECK(same.size() == records.size());
  for (std::size_t i = 0; i < same.size(); ++i) {
    LOGCASK_CHECK(same[i].headers.size() <= records[i].headers.size());
    same[i].headers = records[i].headers;
  }
  LOGCASK_CHECK(same == records);
}

void check_patches(ByteView batch, const std::vector<OwnRecord>& records) {
  std::string patched(batch);
  patch_base_offset(patched.data(), Offset(1000));
  patch_leader_epoch(patched.data(), LeaderEpoch(7));
  LOGCASK_CHECK(batch_crc_holds(patched));
  patch_max_timestamp(patched.data(), patched.size(), TimestampMs(5));
  LOGCASK_CHECK(batch_crc_holds(patched));
  stamp_log_append_time(patched.data(), patched.size(), TimestampMs(99));
  const auto read = read_batches(patched);
  LOGCASK_CHECK(read.size() == records.size());
  for (std::size_t i = 0; i < read.size(); ++i) {
    LOGCASK_CHECK(read[i].offset.value() == 1000 + static_cast<std::int64_t>(i));
    LOGCASK_CHECK(read[i].timestamp == TimestampMs(99) && read[i].key == records[i].key);
  }
}

// A batch that was refused: reading it may fail, not more.
void check_refused(ByteView batch) {
  const auto header = decode_batch_header(batch);
  if (!header.ok()) return;
  LOGCASK_CHECK(header->total_bytes() >= kBatchHeaderBytes && header->next_offset() > header->base_offset);
  std::string scratch;
  const auto section = batch_records(*header, batch, kMaxDecompressedBytes, scratch);
  if (!section.ok()) return;
  LOGCASK_CHECK(header->compression() == Compression::none || section->size() <= kMaxDecompressedBytes);
  bool whole = false;
  (void)read_records(*header, *section, whole);
  skim_rubbish(*section);
  std::string out;
  (void)filter_batches(batch.substr(0, header->total_bytes()), header->base_offset + 1, header->next_offset(),
                       ReplayFilter(), hasher(), probe, kMaxDecompressedBytes, out)
      .ok();
}

}  // namespace

std::string wrap_records(const BatchHeader& fields, ByteView records) {
  std::string batch;
  ByteWriter writer(batch);
  writer.fixed(fields.base_offset.value());
  writer.fixed(static_cast<std::int32_t>(kBatchHeaderBytes - kBatchLengthEnd + records.size()));
  writer.fixed(fields.leader_epoch.value());
  writer.fixed(std::int8_t{2});
  writer.fixed(std::uint32_t{0});
  writer.fixed(fields.attributes);
  writer.fixed(fields.last_offset_delta);
  writer.fixed(fields.base_timestamp.value());
  writer.fixed(fields.max_timestamp.value());
  writer.fixed(fields.producer_id.value());
  writer.fixed(fields.producer_epoch);
  writer.fixed(fields.base_sequence);
  writer.fixed(fields.record_count);
  writer.bytes(records);
  store_be(batch.data() + 17, crc32c(ByteView(batch).substr(kBatchCrcStart)));
  return batch;
}

bool repair_batch(std::string& batch) {
  if (batch.size() < kBatchHeaderBytes) return false;
  store_be(batch.data() + 8, static_cast<std::int32_t>(batch.size() - kBatchLengthEnd));
  batch[16] = 2;
  store_be(batch.data() + 17, crc32c(ByteView(batch).substr(kBatchCrcStart)));
  return true;
}

std::vector<OwnRecord> read_records(const BatchHeader& header, ByteView section, bool& whole) {
  std::vector<OwnRecord> records;
  RecordCursor cursor(header, section);
  RecordView view;
  while (true) {
    const std::size_t before = cursor.position();
    const auto more = cursor.next(view);
    whole = more.ok() && !*more;
    if (!more.ok() || !*more) return records;
    LOGCASK_CHECK(cursor.position() > before && cursor.position() <= section.size());
    LOGCASK_CHECK(view.position == before && view.encoded_bytes == cursor.position() - before);
    LOGCASK_CHECK(view.offset >= header.base_offset && view.offset <= header.last_offset());
    records.push_back({view.offset, view.timestamp, owned(view.key), owned(view.value), std::string(view.raw_headers),
                       view.header_count});
  }
}

void check_batch(ByteView batch, bool keys_required, std::uint8_t variant) {
  BatchRules rules;
  rules.keys_required = keys_required;
  rules.max_decompressed_bytes = kMaxDecompressedBytes;
  rules.max_records = 400;
  const auto checked = check_produced_batch(batch, rules);
  if (!checked.ok()) return check_refused(batch);
  const BatchHeader& header = (*checked)->header;
  std::string scratch;
  const auto section = batch_records(header, batch, kMaxDecompressedBytes, scratch);
  LOGCASK_CHECK(section.ok());
  bool whole = false;
  const auto records = read_records(header, *section, whole);
  LOGCASK_CHECK(whole && static_cast<std::int32_t>(records.size()) == header.record_count);
  check_records(**checked, *section, records);
  check_skim(*section, (*checked)->records);
  const int part = (variant >> 3) & 3;
  if (part == 0 || part == 1) check_rewritten(header, *section, records);
  if (part == 0 || part == 2) check_filter(header, batch, records, variant & 7);
  if (part == 0 || part == 3) check_patches(batch, records);
}

}  // namespace logcask::fuzz
