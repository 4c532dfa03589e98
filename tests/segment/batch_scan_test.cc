#include "tests/segment/segment_fixture.h"

namespace logcask {
namespace {

using namespace testing;

struct Scanned {
  ScanEnd end;
  std::string bytes;
};

Scanned scan(const std::string& content, ScanOptions options) {
  MemoryFileSystem files;
  files.set_content("log", content);
  const auto file = files.root()->open("log", OpenMode::read);
  Scanned scanned;
  const auto end = scan_batches(**file, options, [&](const ScannedBatch& batch) -> Status {
    REQUIRE(batch.position == options.position + scanned.bytes.size());
    scanned.bytes += batch.bytes;
    return {};
  });
  REQUIRE_OK(end);
  scanned.end = *end;
  return scanned;
}

constexpr SegmentName kScannedName{Offset(10), Generation(0)};
const ScanOptions kAll{kScannedName, 0, Offset(10)};

std::string three_batches(std::vector<std::size_t>* edges = nullptr) {
  std::string log;
  Offset next(10);
  for (int i = 0; i < 3; ++i) {
    next = add_batch(log, next, {static_cast<std::size_t>(1 + i), 40}, nullptr);
    if (edges) edges->push_back(log.size());
  }
  return log;
}

TEST_CASE("a scan ends at the file's end, at zeros and at the end position") {
  const std::string log = three_batches();
  Scanned scanned = scan(log, kAll);
  REQUIRE(scanned.end.why == ScanEnd::Why::end_of_file);
  REQUIRE(scanned.end.next_offset == Offset(16));
  REQUIRE(scanned.bytes == log);
  for (const std::size_t zeros : {1, 11, 12, 60, 61, 62, 5000}) {
    scanned = scan(log + std::string(zeros, '\0'), kAll);
    REQUIRE(scanned.end.why == ScanEnd::Why::zeros);
    REQUIRE(scanned.end.position == log.size());
    REQUIRE(scanned.bytes == log);
  }
  ScanOptions bounded = kAll;
  bounded.end_position = log.size();
  scanned = scan(log + "rubbish that is never looked at", bounded);
  REQUIRE(scanned.end.why == ScanEnd::Why::end_position);
  REQUIRE(scan("", kAll).end.why == ScanEnd::Why::end_of_file);
}

TEST_CASE("a log cut anywhere scans to the last whole batch") {
  std::vector<std::size_t> edges{0};
  const std::string log = three_batches(&edges);
  for (std::size_t size = 0; size <= log.size(); ++size) {
    const Scanned scanned = scan(log.substr(0, size), kAll);
    std::size_t edge = 0;
    for (const std::size_t e : edges)
      if (e <= size) edge = e;
    CAPTURE(size);
    REQUIRE(scanned.end.position == edge);
    REQUIRE((scanned.end.why == ScanEnd::Why::end_of_file) == (edge == size));
    if (edge != size && size - edge > 8) {
      REQUIRE(scanned.end.why == ScanEnd::Why::bad_batch);
      REQUIRE(!scanned.end.reason.empty());
    }
  }
}

TEST_CASE("with any bit flipped a scan ends before the damaged batch, except for its leader epoch") {
  std::vector<std::size_t> edges{0};
  const std::string log = three_batches(&edges);
  for (std::size_t bit = 0; bit < log.size() * 8; ++bit) {
    std::size_t edge = 0;
    for (const std::size_t e : edges)
      if (e <= bit / 8) edge = e;
    if (bit / 8 - edge >= 12 && bit / 8 - edge < 16) continue;  // no checksum covers it; the index remembers it
    std::string damaged = log;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    const Scanned scanned = scan(damaged, kAll);
    CAPTURE(bit);
    REQUIRE(scanned.end.why == ScanEnd::Why::bad_batch);
    REQUIRE(scanned.end.position == edge);
  }
}

TEST_CASE("offsets must continue in what the appender wrote and rise in what was rewritten") {
  std::string log;
  add_batch(log, Offset(10), {2, 10}, nullptr);
  const std::size_t first = log.size();
  add_batch(log, Offset(20), {2, 10}, nullptr);
  REQUIRE(scan(log, kAll).end.position == first);
  REQUIRE(scan(log, {{Offset(10), Generation(1)}, 0, Offset(10)}).end.next_offset == Offset(22));
  log.clear();
  add_batch(log, Offset(20), {2, 10}, nullptr);
  add_batch(log, Offset(10), {2, 10}, nullptr);
  REQUIRE(scan(log, {{Offset(10), Generation(1)}, 0, Offset(10)}).end.next_offset == Offset(22));
}

TEST_CASE("a length of gigabytes in a damaged header asks for no memory") {
  std::string log = three_batches();
  log[8] = 0x7f;  // batchLength
  const Scanned scanned = scan(log, kAll);
  REQUIRE(scanned.end.why == ScanEnd::Why::bad_batch);
  REQUIRE(scanned.end.position == 0);
}

}  // namespace
}  // namespace logcask
