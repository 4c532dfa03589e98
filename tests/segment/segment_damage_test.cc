// Whatever is damaged, a read answers what was written or an error that names the file: never anything else.

#include <algorithm>

#include "tests/segment/segment_fixture.h"

namespace logcask {
namespace {

using namespace testing;

struct Outcome {
  std::size_t right = 0;
  std::size_t errors = 0;
  std::string wrong;  // the first wrong answer
};

// Reads everything in every way and compares.
Outcome read_all(const TestLog& log, const std::string& expected_log, const Segment& segment) {
  Outcome outcome;
  const auto failed = [&](const Error& error) {
    ++outcome.errors;
    if (error.code != Errc::corrupt_range || error.message.find(".log") == std::string::npos)
      outcome.wrong = "an error that names no file: " + error.to_string();
  };
  RecordScratch scratch;
  for (const TestRecord& record : log.records) {
    const auto found = segment.read_record(record.offset, scratch);
    if (!found.ok())
      failed(found.error());
    else if (same_record(*found, record))
      ++outcome.right;
    else
      outcome.wrong = "record " + std::to_string(record.offset.value());
  }
  Offset next = segment.base();
  std::size_t start = 0;
  ByteBuffer bytes;
  for (std::size_t i = 0; i < log.batch_ends.size(); ++i) {
    bytes.clear();
    const auto read = segment.read_batches(next, segment.next_offset(), 1, bytes);
    // The batch's bytes in the sound log.
    const std::size_t size = decode_batch_header(ByteView(expected_log).substr(start))->total_bytes();
    if (!read.ok())
      failed(read.error());
    else if (bytes.view() != ByteView(expected_log).substr(start, size))
      outcome.wrong = "batch " + std::to_string(i);
    else
      ++outcome.right;
    start += size;
    next = log.batch_ends[i];
  }
  for (const TestRecord& record : log.records) {
    if (record.offset.value() % 5 != 0) continue;
    const auto found = segment.offset_for_time(record.timestamp, segment.base(), segment.next_offset());
    if (!found.ok())
      failed(found.error());
    else if (*found && (*found)->offset == record.offset)
      ++outcome.right;
    else
      outcome.wrong = "time of " + std::to_string(record.offset.value());
  }
  return outcome;
}

void fill(TestLog& log) {
  log.append({1, 20});
  log.append({5, 40, Compression::none, LeaderEpoch(3), log.name.rewritten() ? 3u : 0u});
  log.append({30, 300});
  log.append({4, 60, Compression::lz4});
  log.append({2, 10});
}

TEST_CASE("with any byte of a closed log flipped no read ever answers wrongly") {
  const auto generation = GENERATE(0u, 1u);
  CAPTURE(generation);
  TestLog log({Offset(100), Generation(generation)});
  fill(log);
  const SegmentFacts facts = log.close()->facts();
  const std::string sound = *log.files.content(log.file(SegmentFile::log));
  for (std::size_t at = 0; at < sound.size(); ++at) {
    std::string damaged = sound;
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << (at % 8)));
    log.files.set_content(log.file(SegmentFile::log), damaged);
    const auto segment = Segment::closed(log.environment, log.files.root(), facts);
    const Outcome outcome = read_all(log, sound, *segment);
    CAPTURE(at);
    REQUIRE(outcome.wrong.empty());
    REQUIRE(outcome.errors > 0);
    REQUIRE(segment->scan([](const ScannedBatch&) -> Status { return {}; }).code() == Errc::corrupt_range);
  }
}

TEST_CASE("with a byte flipped and the indexes lost no read answers wrongly, and what lies before the damage is read") {
  TestLog log;
  fill(log);
  const SegmentFacts facts = log.close()->facts();
  const std::string sound = *log.files.content(log.file(SegmentFile::log));
  const std::string index = log.file(SegmentFile::index);
  for (std::size_t at = 0; at < sound.size(); at += 3) {
    std::size_t batch = 0;
    while (true) {
      const std::size_t size = decode_batch_header(ByteView(sound).substr(batch))->total_bytes();
      if (batch + size > at) break;
      batch += size;
    }
    // Bytes 12 to 15 of a header, the leader epoch: only the lost index knew it, so nothing is read.
    const bool in_epoch = at - batch >= 12 && at - batch < 16;
    std::string damaged = sound;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    log.files.set_content(log.file(SegmentFile::log), damaged);
    if (log.files.content(index)) REQUIRE_OK(log.files.root()->unlink(index));
    const auto segment = Segment::closed(log.environment, log.files.root(), facts);
    const Outcome outcome = read_all(log, sound, *segment);
    CAPTURE(at);
    REQUIRE(outcome.wrong.empty());
    REQUIRE(outcome.errors > 0);
    REQUIRE(!log.files.content(index));  // never blessed
    if (batch > 0 && !in_epoch) REQUIRE(outcome.right > 0);
    if (in_epoch) REQUIRE(outcome.right == 0);
  }
}

TEST_CASE("a rewritten segment without indexes whose digest does not hold is refused as a whole") {
  TestLog log({Offset(100), Generation(1)});
  fill(log);
  const SegmentFacts facts = log.close()->facts();
  std::string damaged = *log.files.content(log.file(SegmentFile::log));
  damaged[7] = static_cast<char>(damaged[7] ^ 1);  // the first base offset
  log.files.set_content(log.file(SegmentFile::log), damaged);
  REQUIRE_OK(log.files.root()->unlink(log.file(SegmentFile::index)));
  const auto segment = Segment::closed(log.environment, log.files.root(), facts);
  RecordScratch scratch;
  REQUIRE(segment->read_record(Offset(110), scratch).code() == Errc::corrupt_range);
}

// It has no follower whose base offset would give that away, and a reader that starts behind it looks at no CRC.
TEST_CASE("a wrong last offset in the last batch is damage, not the end of the log") {
  TestLog log;
  log.append({3, 20});
  log.append({5, 20});
  const SegmentFacts facts = log.close()->facts();
  std::string damaged = *log.files.content(log.file(SegmentFile::log));
  const std::size_t last = decode_batch_header(damaged)->total_bytes();
  damaged[last + 26] = 0;  // last offset delta
  log.files.set_content(log.file(SegmentFile::log), damaged);
  const auto segment = Segment::closed(log.environment, log.files.root(), facts);
  RecordScratch scratch;
  for (std::int64_t offset = 3; offset < 8; ++offset) {
    CAPTURE(offset);
    ByteBuffer out;
    REQUIRE(segment->read_batches(Offset(offset), Offset(8), 1 << 20, out).code() == Errc::corrupt_range);
    REQUIRE(segment->read_record(Offset(offset), scratch).code() == Errc::corrupt_range);
    REQUIRE(segment->scan(Offset(offset), [](const ScannedBatch&) { return Status(); }).code() == Errc::corrupt_range);
  }
}

TEST_CASE("a closed log cut anywhere never answers wrongly") {
  TestLog log;
  fill(log);
  const SegmentFacts facts = log.close()->facts();
  const std::string sound = *log.files.content(log.file(SegmentFile::log));
  for (std::size_t size = 0; size < sound.size(); size += 7) {
    log.files.set_content(log.file(SegmentFile::log), sound.substr(0, size));
    const auto segment = Segment::closed(log.environment, log.files.root(), facts);
    const Outcome outcome = read_all(log, sound, *segment);
    REQUIRE(outcome.wrong.empty());
    REQUIRE(outcome.errors > 0);
  }
}

TEST_CASE("a damaged or foreign index is never used: reads stay right") {
  const auto kind = GENERATE(SegmentFile::index, SegmentFile::time_index);
  TestLog log({Offset(100), Generation(1)});
  fill(log);
  const SegmentFacts facts = log.close()->facts();
  const std::string sound = *log.files.content(log.file(SegmentFile::log));
  const std::string index = *log.files.content(log.file(kind));
  const auto reads_right = [&](const std::string& content) {
    log.files.set_content(log.file(kind), content);
    const auto segment = Segment::closed(log.environment, log.files.root(), facts);
    const Outcome outcome = read_all(log, sound, *segment);
    return outcome.wrong.empty() && outcome.errors == 0 && log.files.content(log.file(kind)) == index;
  };
  for (std::size_t bit = 0; bit < index.size() * 8; bit += 5) {
    std::string damaged = index;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    CAPTURE(bit);
    REQUIRE(reads_right(damaged));
  }
  for (std::size_t size = 0; size < index.size(); size += 3) REQUIRE(reads_right(index.substr(0, size)));
}

TEST_CASE("an unreadable file is an io error, and reads recover when it passes") {
  TestLog log;
  fill(log);
  const auto segment = log.close();
  RecordScratch scratch;
  for (std::uint64_t nth = 1; nth <= 6; ++nth) {
    const auto fresh = Segment::closed(log.environment, log.files.root(), segment->facts());
    Fault fault;
    fault.kinds = {OperationKind::read};
    fault.nth = nth;
    fault.name_suffix = ".log";
    log.files.fail(fault);
    const auto found = fresh->read_record(Offset(10), scratch);
    if (!found.ok()) REQUIRE(found.code() == Errc::io_error);
    log.files.clear_faults();
    REQUIRE_OK(fresh->read_record(Offset(10), scratch));
  }
}

}  // namespace
}  // namespace logcask
