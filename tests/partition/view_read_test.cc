#include "partition/view_read.h"

#include "tests/partition/keyed_log.h"

using namespace logcask;
using namespace logcask::testing;

namespace {

// Segments [0,6) with batches of 3, a hole up to 10, [10,13), and an empty active one at 20.
struct ReadLog {
  MemoryFileSystem files;
  std::shared_ptr<SegmentEnvironment> environment = std::make_shared<SegmentEnvironment>();
  std::shared_ptr<SegmentList> list = std::make_shared<SegmentList>();
  std::vector<std::unique_ptr<SegmentWriter>> writers;

  ReadLog() {
    add(Offset(0), {3, 3});
    add(Offset(10), {1, 1, 1});
    add(Offset(20), {});
  }
  void add(Offset base, const std::vector<int>& batches) {
    SegmentWriter::Options options;
    options.preallocate_bytes = 0;
    auto writer = SegmentWriter::create(environment, files.root(), {base, Generation(0)}, options);
    REQUIRE_OK(writer);
    for (const int records : batches) {
      std::string bytes;
      append_batch(bytes, (*writer)->next_offset(),
                   std::vector<KeyValue>(static_cast<std::size_t>(records), {"k", "v"}));
      REQUIRE_OK((*writer)->append(bytes, TimestampMs(1)));
    }
    list->segments.push_back((*writer)->segment());
    writers.push_back(std::move(*writer));
  }
  LogView view(std::int64_t end, std::int64_t start = 0) const { return {list, Offset(start), Offset(end)}; }
  // Offsets of the batches read; `next` is where to go on.
  std::vector<std::int64_t> read(const LogView& view, std::int64_t from, std::size_t max_bytes, std::int64_t& next) {
    ByteBuffer out;
    const auto at = read_view(view, Offset(from), max_bytes, out);
    REQUIRE_OK(at);
    next = at->value();
    std::vector<std::int64_t> bases;
    for (ByteView rest = out; !rest.empty();) {
      const auto header = decode_batch_header(rest);
      REQUIRE_OK(header);
      bases.push_back(header->base_offset.value());
      rest.remove_prefix(header->total_bytes());
    }
    return bases;
  }
};

using Bases = std::vector<std::int64_t>;

}  // namespace

TEST_CASE("a read goes over holes and segments and ends at the visible end", "[read]") {
  ReadLog log;
  std::int64_t next = 0;
  CHECK(log.read(log.view(20), 0, 1 << 20, next) == Bases{0, 3, 10, 11, 12});
  CHECK(next == 20);
  CHECK(log.read(log.view(20), 4, 1 << 20, next) == Bases{3, 10, 11, 12});
  CHECK(log.read(log.view(20), 7, 1 << 20, next) == Bases{10, 11, 12});  // from inside the hole
  CHECK(log.read(log.view(20), 13, 1 << 20, next).empty());
  CHECK(next == 20);
  CHECK(log.read(log.view(12), 0, 1 << 20, next) == Bases{0, 3, 10, 11});
  CHECK(next == 12);
  CHECK(log.read(log.view(8), 0, 1 << 20, next) == Bases{0, 3});
  CHECK(next == 8);
}

TEST_CASE("a small limit gives one batch at a time and always the place to go on", "[read]") {
  ReadLog log;
  Bases all;
  std::int64_t from = 0;
  for (int steps = 0; from < 20; ++steps) {
    REQUIRE(steps < 10);
    std::int64_t next = from;
    const Bases read = log.read(log.view(20), from, 1, next);
    REQUIRE(read.size() <= 1);
    all.insert(all.end(), read.begin(), read.end());
    REQUIRE(next > from);
    from = next;
  }
  CHECK(all == Bases{0, 3, 10, 11, 12});
}

TEST_CASE("a batch that straddles the visible end waits until all of it is visible", "[read]") {
  ReadLog log;
  std::int64_t next = 0;
  CHECK(log.read(log.view(5), 3, 1 << 20, next).empty());
  CHECK(next == 3);
  CHECK(log.read(log.view(5), 0, 1 << 20, next) == Bases{0});
  CHECK(next == 3);
}

TEST_CASE("damage behind good batches ends the answer, the next read names it", "[read]") {
  ReadLog log;
  for (auto& writer : log.writers) REQUIRE_OK(writer->sync(0));
  const std::string name = segment_filename({Offset(10), Generation(0)}, SegmentFile::log);
  std::string bytes = *log.files.content(name);
  bytes[bytes.size() / 3 + 40] = static_cast<char>(bytes[bytes.size() / 3 + 40] ^ 4);  // the second batch
  log.files.set_content(name, bytes);
  std::int64_t next = 0;
  CHECK(log.read(log.view(20), 0, 1 << 20, next) == Bases{0, 3, 10});
  CHECK(next == 11);
  ByteBuffer out;
  const auto damaged = read_view(log.view(20), Offset(11), 1 << 20, out);
  CHECK(damaged.code() == Errc::corrupt_range);
  CHECK(damaged.error().message.find(name) != std::string::npos);
  CHECK(out.empty());
}

TEST_CASE("the first record of a time is found at or above log start and below the visible end", "[read]") {
  ReadLog log;  // timestamps are 1000 + offset
  const auto find = [&](std::int64_t time, std::int64_t end = 20, std::int64_t start = 0) {
    const auto found = find_time(log.view(end, start), TimestampMs(time));
    REQUIRE_OK(found);
    return *found ? (*found)->offset.value() : -1;
  };
  CHECK(find(0) == 0);
  CHECK(find(1004) == 4);
  CHECK(find(1007) == 10);
  CHECK(find(1012) == 12);
  CHECK(find(1013) == -1);
  CHECK(find(1012, 12) == -1);
  CHECK(find(0, 20, 5) == 5);
  CHECK(find(1001, 20, 11) == 11);
}
