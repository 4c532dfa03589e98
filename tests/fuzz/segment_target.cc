// Log files: scanned (log_scan); opened as a segment and read in every way, against what the scan found (segment).
#include <algorithm>
#include <map>

#include "base/crc32c.h"
#include "segment/batch_scan.h"
#include "segment/digest.h"
#include "segment/offset_index.h"
#include "segment/segment.h"
#include "segment/time_index.h"
#include "tests/fuzz/batch_properties.h"
#include "tests/fuzz/fuzz.h"
#include "tests/support/memory_file_system.h"

namespace logcask::fuzz {
namespace {

constexpr Offset kSegmentBase(100);

std::shared_ptr<SegmentEnvironment> environment() {
  static const auto shared = [] {
    SegmentEnvironment::Limits limits;
    limits.record_cache_bytes = 256u << 10;
    limits.max_decompressed_bytes = kMaxDecompressedBytes;
    return std::make_shared<SegmentEnvironment>(limits);
  }();
  return shared;
}

// Bytes as a file that cannot be written.
class ViewFile final : public File {
 public:
  explicit ViewFile(ByteView bytes) : bytes_(bytes) {}
  Status write_at(std::uint64_t, std::span<const ByteView>) override { return refused(); }
  Result<std::size_t> read_at(std::uint64_t position, std::span<char> out) const override {
    if (position >= bytes_.size()) return std::size_t{0};
    return bytes_.copy(out.data(), out.size(), position);
  }
  Status preallocate(std::uint64_t) override { return refused(); }
  Status truncate(std::uint64_t) override { return refused(); }
  Status sync_data() override { return refused(); }
  Result<std::uint64_t> size() const override { return std::uint64_t{bytes_.size()}; }

 private:
  static Status refused() { return Error{Errc::permission_denied, "a view"}; }
  const ByteView bytes_;
};

struct Repair {
  bool lengths = false;  // a length that reaches beyond the data ends with it
  bool offsets = false;  // base offsets follow each other
  bool checksums = false;
};

void repair_log(std::string& log, const Repair& repair) {
  Offset next = kSegmentBase;
  for (std::size_t at = 0; at + kBatchHeaderBytes <= log.size();) {
    auto total = kBatchLengthEnd + static_cast<std::size_t>(load_be<std::uint32_t>(log.data() + at + 8));
    if (total < kBatchHeaderBytes || total > log.size() - at) {
      if (!repair.lengths) return;
      total = log.size() - at;
      store_be(log.data() + at + 8, static_cast<std::uint32_t>(total - kBatchLengthEnd));
    }
    if (repair.offsets) patch_base_offset(log.data() + at, next);
    if (repair.checksums)
      store_be(log.data() + at + 17, crc32c(ByteView(log).substr(at + kBatchCrcStart, total - kBatchCrcStart)));
    if (const auto header = decode_batch_header(ByteView(log).substr(at)); header.ok()) next = header->next_offset();
    at += total;
  }
}

struct Scanned {
  std::string bytes;
  SegmentFacts facts;
  // When every record of every batch can be read: by offset, all of them.
  std::map<Offset, OwnRecord> records;
  bool readable = true;
};

void note_records(const ScannedBatch& batch, Scanned& scanned) {
  scanned.facts.max_timestamp = std::max(scanned.facts.max_timestamp, batch.header.max_timestamp);
  if (!batch_crc_holds(batch.bytes)) scanned.readable = false;
  std::string scratch;
  const auto section = batch_records(batch.header, batch.bytes, kMaxDecompressedBytes, scratch);
  if (!section.ok()) {
    scanned.readable = false;
    return;
  }
  bool whole = false;
  for (OwnRecord& record : read_records(batch.header, *section, whole)) {
    scanned.facts.records += 1;
    // Lookups step from record to record and stop behind the offset they want.
    if (!scanned.records.empty() && record.offset <= scanned.records.rbegin()->first) scanned.readable = false;
    const Offset offset = record.offset;
    scanned.records.insert_or_assign(offset, std::move(record));
  }
  scanned.readable = scanned.readable && whole;
}

Scanned scan(const File& file, const ScanOptions& options, bool records) {
  Scanned scanned;
  const auto end = scan_batches(file, options, [&](const ScannedBatch& batch) -> Status {
    LOGCASK_CHECK(batch.position == scanned.bytes.size() && batch.bytes.size() == batch.header.total_bytes());
    scanned.bytes += batch.bytes;
    scanned.facts.batches += 1;
    if (records) note_records(batch, scanned);
    return {};
  });
  LOGCASK_CHECK(end.ok() && end->position == scanned.bytes.size());
  LOGCASK_CHECK(end->next_offset >= kSegmentBase && (end->why == ScanEnd::Why::bad_batch) == !end->reason.empty());
  scanned.facts.name = options.name;
  scanned.facts.size_bytes = end->position;
  scanned.facts.next_offset = end->next_offset;
  scanned.facts.digest = xxh3_64(scanned.bytes);
  return scanned;
}

bool same(const RecordView& view, const OwnRecord& record) {
  return view.offset == record.offset && view.timestamp == record.timestamp && view.key == record.key &&
         view.value == record.value && view.raw_headers == record.headers;
}

void look_up(const Segment& segment, const Scanned& scanned, Offset offset) {
  RecordScratch scratch;
  const auto record = segment.read_record(offset, scratch);
  if (record.ok()) LOGCASK_CHECK(record->offset == offset);
  if (!scanned.readable) {
    LOGCASK_CHECK(record.ok() || record.code() == Errc::not_found || record.code() == Errc::corrupt_range);
    return;
  }
  const auto known = scanned.records.find(offset);
  LOGCASK_CHECK(known == scanned.records.end() ? record.code() == Errc::not_found : record.ok());
  if (record.ok()) LOGCASK_CHECK(same(*record, known->second));
}

void read_all(const Segment& segment, const Scanned& scanned, std::size_t max_bytes) {
  ByteBuffer out;
  Offset from = kSegmentBase;
  while (true) {
    const auto read = segment.read_batches(from, segment.next_offset(), max_bytes, out);
    if (!read.ok()) {
      LOGCASK_CHECK(read.code() == Errc::corrupt_range && !scanned.readable);
      break;
    }
    if (read->batches == 0) break;
    LOGCASK_CHECK(read->next_offset > from);
    from = read->next_offset;
  }
  LOGCASK_CHECK(scanned.bytes.starts_with(out));
  if (scanned.readable) LOGCASK_CHECK(out.view() == scanned.bytes);
}

void find_times(const Segment& segment, const Scanned& scanned, TimestampMs timestamp) {
  const auto found = segment.offset_for_time(timestamp, kSegmentBase, segment.next_offset());
  if (!scanned.readable) return;
  LOGCASK_CHECK(found.ok());
  if (*found) LOGCASK_CHECK(scanned.records.at((*found)->offset).timestamp == (*found)->timestamp);
  if (*found) LOGCASK_CHECK((*found)->timestamp >= timestamp);
}

void read_segment(const std::shared_ptr<Directory>& directory, const Scanned& scanned, std::size_t max_bytes) {
  const auto segment = Segment::closed(environment(), directory, scanned.facts);
  read_all(*segment, scanned, max_bytes);
  look_up(*segment, scanned, kSegmentBase - 1);
  look_up(*segment, scanned, scanned.facts.next_offset);
  Offset offset = kSegmentBase;
  for (int i = 0; i < 12 && offset < scanned.facts.next_offset; ++i, offset += 1) look_up(*segment, scanned, offset);
  int looked_up = 0;
  for (auto known = scanned.records.rbegin(); known != scanned.records.rend() && looked_up < 4; ++known, ++looked_up)
    look_up(*segment, scanned, known->first);
  for (const TimestampMs time : {TimestampMs(0), scanned.facts.max_timestamp}) find_times(*segment, scanned, time);
  std::size_t bytes = 0;
  const Status walked = segment->scan([&](const ScannedBatch& batch) -> Status {
    bytes += batch.bytes.size();
    return {};
  });
  if (scanned.readable) LOGCASK_CHECK(walked.ok() && bytes == scanned.bytes.size());
}

// What opening wrote is what opening reads: an index that its own decoder refuses would be made anew at every start.
void check_index_files(const testing::MemoryFileSystem& files, const SegmentFacts& facts) {
  const auto index = files.content(segment_filename(facts.name, SegmentFile::index));
  const auto times = files.content(segment_filename(facts.name, SegmentFile::time_index));
  if (index) LOGCASK_CHECK(OffsetIndex::decode(*index, facts).ok());
  if (times) LOGCASK_CHECK(TimeIndex::decode(*times, facts).ok());
}

struct Log {
  std::string bytes;
  ScanOptions options;
};

// First byte: bits 0-2 what is put right, bit 3 a generation of compaction, bit 4 the scan does not check checksums,
// bit 5 the log ends at a place told by the caller.
Log read_log(std::uint8_t choice, ByteView bytes) {
  Log log;
  log.bytes = bytes;
  repair_log(log.bytes, {(choice & 1) != 0, (choice & 2) != 0, (choice & 4) != 0});
  log.options.name = {kSegmentBase, Generation((choice & 8) != 0 ? 2 : 0)};
  log.options.expected = kSegmentBase;
  log.options.check_crc = (choice & 16) == 0;
  if ((choice & 32) != 0) log.options.end_position = log.bytes.size() / 2;
  return log;
}

}  // namespace

// A scan that begins behind the first batch finds the rest, where base offsets prove that nothing is missing.
void fuzz_log_scan(ByteView bytes) {
  Input input(bytes);
  const std::uint8_t choice = input.byte();
  Log log = read_log(choice, input.rest());
  const ViewFile file(log.bytes);
  const Scanned all = scan(file, log.options, false);
  if (all.facts.batches == 0) return;
  const auto first = decode_batch_header(all.bytes);
  LOGCASK_CHECK(first.ok());
  std::size_t rest = 0;
  log.options.position = first->total_bytes();
  log.options.expected = first->next_offset();
  const auto end = scan_batches(file, log.options, [&](const ScannedBatch& batch) -> Status {
    rest += batch.bytes.size();
    return {};
  });
  LOGCASK_CHECK(end.ok() && rest == all.bytes.size() - first->total_bytes());
  LOGCASK_CHECK(end->position == all.facts.size_bytes && end->next_offset == all.facts.next_offset);
}

// As log_scan; bit 6: opened twice, the first makes the index files, the second reads them. Second byte: how much is
// read at a time, in units of 16 bytes.
void fuzz_segment(ByteView bytes) {
  Input input(bytes);
  const std::uint8_t choice = input.byte();
  const std::size_t max_bytes = std::size_t{16} * input.byte();
  const Log log = read_log(choice, input.rest());
  const Scanned scanned = scan(ViewFile(log.bytes), log.options, true);
  if (scanned.facts.batches == 0) return;
  testing::MemoryFileSystem files;
  files.set_content(segment_filename(log.options.name, SegmentFile::log), log.bytes);
  read_segment(files.root(), scanned, max_bytes);
  check_index_files(files, scanned.facts);
  if ((choice & 64) != 0) read_segment(files.root(), scanned, max_bytes);
}

}  // namespace logcask::fuzz
