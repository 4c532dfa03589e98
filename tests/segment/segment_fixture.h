#pragma once
// What the segment tests share: batches of known records, a log in memory, and how to look at it.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "proto/record_batch.h"
#include "segment/segment.h"
#include "segment/segment_writer.h"
#include "tests/support/catch.h"
#include "tests/support/memory_file_system.h"

namespace logcask::testing {

struct TestRecord {
  Offset offset;
  TimestampMs timestamp;
  std::string key;
  std::optional<std::string> value;
};

struct BatchShape {
  std::size_t records = 1;
  std::size_t value_bytes = 20;
  Compression compression = Compression::none;
  LeaderEpoch epoch{3};
  // One offset in so many is left out; 0 = none.
  std::size_t hole_every = 0;
};

inline TestRecord make_record(Offset offset, std::size_t value_bytes) {
  const std::string number = std::to_string(offset.value());
  std::string value = "v" + number + ":";
  while (value.size() < value_bytes) value += static_cast<char>('a' + (value.size() * 7 + offset.value()) % 26);
  return {offset, TimestampMs(1000 + offset.value() * 10), "key" + number, std::move(value)};
}

// Appends one batch to `out`, its records to `records`; returns the next offset.
inline Offset add_batch(std::string& out, Offset base, const BatchShape& shape, std::vector<TestRecord>* records) {
  BatchBuilder::Options options;
  options.compression = shape.compression;
  options.leader_epoch = shape.epoch;
  BatchBuilder builder(base, options);
  Offset last = base;
  for (std::size_t i = 0; i < shape.records; ++i) {
    last = base + static_cast<std::int64_t>(i);
    if (shape.hole_every > 0 && i % shape.hole_every == shape.hole_every / 2) continue;
    const TestRecord record = make_record(last, shape.value_bytes);
    builder.add(record.offset, record.timestamp, record.key, *record.value);
    if (records) records->push_back(record);
  }
  REQUIRE_OK(builder.finish(out, last));
  return last + 1;
}

// A log file with its writer and the records that are in it.
struct TestLog {
  MemoryFileSystem files;
  std::shared_ptr<SegmentEnvironment> environment = std::make_shared<SegmentEnvironment>();
  SegmentName name{Offset(0), Generation(0)};
  std::unique_ptr<SegmentWriter> writer;
  std::vector<TestRecord> records;
  std::vector<Offset> batch_ends;  // next offset of every batch

  explicit TestLog(SegmentName segment_name = {Offset(0), Generation(0)},
                   const SegmentWriter::Options& options = SegmentWriter::Options())
      : name(segment_name) {
    auto created = SegmentWriter::create(environment, files.root(), name, options);
    REQUIRE_OK(created);
    writer = std::move(created).value();
    REQUIRE_OK(files.root()->sync());
  }
  void append(const BatchShape& shape) {
    std::string bytes;
    const Offset next = add_batch(bytes, writer->next_offset(), shape, &records);
    REQUIRE_OK(writer->append(bytes, TimestampMs(5000)));
    batch_ends.push_back(next);
  }
  std::shared_ptr<const Segment> close() {
    auto facts = writer->close(0);
    REQUIRE_OK(facts);
    return Segment::closed(environment, files.root(), *facts);
  }
  std::string file(SegmentFile kind) const { return segment_filename(name, kind); }
};

// Does `view` show `record`? Every field.
inline bool same_record(const RecordView& view, const TestRecord& record) {
  return view.offset == record.offset && view.timestamp == record.timestamp && view.key == ByteView(record.key) &&
         view.value.has_value() == record.value.has_value() && (!view.value || *view.value == *record.value);
}

// All records of batches back to back, in order; false when they cannot be decoded.
inline bool decode_batches(ByteView bytes, std::vector<TestRecord>& out) {
  while (!bytes.empty()) {
    const auto header = decode_batch_header(bytes);
    if (!header.ok() || header->total_bytes() > bytes.size()) return false;
    std::string scratch;
    const auto records = batch_records(*header, bytes.substr(0, header->total_bytes()), 64 << 20, scratch);
    if (!records.ok()) return false;
    RecordCursor cursor(*header, *records);
    RecordView view;
    while (true) {
      const auto more = cursor.next(view);
      if (!more.ok()) return false;
      if (!*more) break;
      out.push_back({view.offset, view.timestamp, std::string(view.key.value_or("")),
                     view.value ? std::optional<std::string>(*view.value) : std::nullopt});
    }
    bytes.remove_prefix(header->total_bytes());
  }
  return true;
}

}  // namespace logcask::testing
