#pragma once
// Small logs of (key, value or tombstone) for tests of hints, loads and compaction, with the truth beside them.

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/key_hash.h"
#include "proto/record_batch.h"
#include "segment/segment.h"
#include "segment/segment_writer.h"
#include "tests/support/catch.h"
#include "tests/support/memory_file_system.h"

namespace logcask::testing {

struct KeyValue {
  std::string key;
  std::optional<std::string> value;  // nothing: a tombstone
};

inline const KeyHasher& test_hasher() {
  static const KeyHasher hasher(KeyHasher::Secret{1, 2, 3});
  return hasher;
}

// Appends one batch whose offsets are contiguous from `base`.
inline void append_batch(std::string& out, Offset base, const std::vector<KeyValue>& records,
                         const BatchBuilder::Options& options = BatchBuilder::Options()) {
  BatchBuilder builder(base, options);
  Offset offset = base;
  for (const KeyValue& record : records) {
    const TimestampMs timestamp(1000 + offset.value());
    builder.add(offset, timestamp, ByteView(record.key),
                record.value ? std::optional<ByteView>(*record.value) : std::nullopt);
    offset += 1;
  }
  REQUIRE_OK(builder.finish(out));
}

// One generation-0 segment in a memory file system, grown batch by batch.
class KeyedSegment {
 public:
  KeyedSegment(const MemoryFileSystem& files, std::shared_ptr<SegmentEnvironment> environment, Offset base)
      : environment_(std::move(environment)), directory_(files.root()) {
    SegmentWriter::Options options;
    options.preallocate_bytes = 0;
    auto created = SegmentWriter::create(environment_, directory_, {base, Generation(0)}, options);
    REQUIRE_OK(created);
    writer_ = std::move(created).value();
    REQUIRE_OK(directory_->sync());
  }

  void append(const std::vector<KeyValue>& records, const BatchBuilder::Options& options = BatchBuilder::Options(),
              TimestampMs append_time = TimestampMs(5000)) {
    std::string bytes;
    append_batch(bytes, writer_->next_offset(), records, options);
    REQUIRE_OK(writer_->append(bytes, append_time));
  }
  std::shared_ptr<const Segment> active() const { return writer_->segment(); }
  SegmentFacts facts() const { return writer_->facts(); }
  std::shared_ptr<const Segment> close() {
    auto facts = writer_->close(0);
    REQUIRE_OK(facts);
    writer_.reset();
    return Segment::closed(environment_, directory_, *facts);
  }

 private:
  std::shared_ptr<SegmentEnvironment> environment_;
  std::shared_ptr<Directory> directory_;
  std::unique_ptr<SegmentWriter> writer_;
};

}  // namespace logcask::testing
