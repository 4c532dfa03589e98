#include "partition/tail_buffer.h"

#include "base/random.h"
#include "tests/support/catch.h"
#include "tests/support/seed.h"

using namespace logcask;
using namespace logcask::testing;

namespace {

std::string joined(const std::vector<ByteView>& pieces) {
  std::string all;
  for (const ByteView piece : pieces) all.append(piece);
  return all;
}

// The buffer with what it must hold.
struct Tail {
  explicit Tail(std::size_t keep_bytes) : buffer(keep_bytes) {}
  void append(std::size_t bytes, std::int64_t records = 1) {
    const std::string text(bytes, static_cast<char>('a' + next % 26));
    TailBuffer::Batch batch;
    batch.base_offset = Offset(next);
    batch.next_offset = Offset(next + records);
    batch.records = static_cast<std::uint32_t>(records);
    buffer.append(text, batch);
    batches.push_back({next, next + records, text});
    next += records;
  }
  struct Batch {
    std::int64_t base, end;
    std::string bytes;
  };
  // What a reader from `from` must get at most up to `end` and `max_bytes`.
  std::string expected(std::int64_t from, std::int64_t end, std::size_t max_bytes, std::int64_t& next_offset) const {
    std::string all;
    next_offset = from;
    for (const Batch& batch : batches) {
      if (batch.end <= from) continue;
      if (batch.end > end) break;
      if (!all.empty() && all.size() + batch.bytes.size() > max_bytes) break;
      all += batch.bytes;
      next_offset = batch.end;
    }
    return all;
  }
  TailBuffer buffer;
  std::vector<Batch> batches;
  std::int64_t next = 0;
};

}  // namespace

TEST_CASE("a reader gets whole batches below the end, one whatever its size", "[tail]") {
  Tail tail(1 << 20);
  CHECK(tail.buffer.empty());
  tail.append(100, 3);
  tail.append(200);
  tail.append(300);
  CHECK(tail.buffer.first_offset() == Offset(0));
  CHECK(tail.buffer.bytes() == 600);
  CHECK(joined(tail.buffer.slice(Offset(0), Offset(5), 1000).pieces).size() == 600);
  CHECK(joined(tail.buffer.slice(Offset(1), Offset(5), 1).pieces).size() == 100);  // the batch that holds it
  CHECK(tail.buffer.slice(Offset(1), Offset(5), 1).next_offset == Offset(3));
  CHECK(tail.buffer.slice(Offset(3), Offset(4), 1000).bytes == 200);
  CHECK(tail.buffer.slice(Offset(4), Offset(4), 1000).bytes == 0);
  CHECK(tail.buffer.slice(Offset(0), Offset(2), 1000).bytes == 0);  // not all of it is visible
  CHECK(tail.buffer.slice(Offset(5), Offset(5), 1000).bytes == 0);
}

TEST_CASE("the writer gets what is unwritten, across chunks, and the first batch when it must", "[tail]") {
  Tail tail(0);
  for (int i = 0; i < 20; ++i) tail.append(5000);  // several chunks
  CHECK(tail.buffer.unwritten(Offset(0), 12'000, false).batches.size() == 2);
  CHECK(tail.buffer.unwritten(Offset(0), 4999, false).batches.empty());
  CHECK(tail.buffer.unwritten(Offset(0), 4999, true).batches.size() == 1);
  const auto all = tail.buffer.unwritten(Offset(3), 1 << 20, false);
  CHECK(all.batches.size() == 17);
  CHECK(all.bytes == 17 * 5000);
  CHECK(joined(all.pieces).size() == all.bytes);
  CHECK(all.batches.front()->base_offset == Offset(3));
}

TEST_CASE("what a reader holds stays as it was, also when the buffer drops and reuses its memory", "[tail]") {
  Tail tail(0);
  tail.append(9000);
  const auto held = tail.buffer.slice(Offset(0), Offset(1), 1 << 20);
  const std::string before = joined(held.pieces);
  for (int i = 0; i < 50; ++i) {
    tail.append(9000);
    tail.buffer.release(Offset(tail.next));
  }
  CHECK(joined(held.pieces) == before);
}

TEST_CASE("unwritten batches are never released, cut ones are forgotten", "[tail]") {
  Tail tail(0);
  for (int i = 0; i < 10; ++i) tail.append(10'000);
  tail.buffer.release(Offset(0));
  CHECK(tail.buffer.bytes() == 100'000);
  tail.buffer.cut_from(Offset(4));
  CHECK(tail.buffer.bytes() == 40'000);
  CHECK(tail.buffer.slice(Offset(0), Offset(10), 1 << 20).next_offset == Offset(4));
  tail.buffer.cut_from(Offset(0));
  CHECK(tail.buffer.empty());
  CHECK(tail.buffer.bytes() == 0);
  tail.next = 4;
  tail.append(10);
  tail.buffer.release_all(Offset(4));
  CHECK_FALSE(tail.buffer.empty());
  tail.buffer.release_all(Offset(5));
  CHECK(tail.buffer.empty());
}

TEST_CASE("random appends, cuts and releases: readers and the writer see the batches that are there", "[tail]") {
  const std::uint64_t seed = test_seed();
  INFO("seed " << seed);
  Random random(seed);
  Tail tail(30'000);
  std::int64_t written = 0;
  for (int i = 0; i < 20'000; ++i) {
    switch (random.below(8)) {
      case 0:
        written += static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(tail.next - written) + 1));
        for (const auto& batch : tail.batches)
          if (batch.base < written && batch.end > written) written = batch.end;
        tail.buffer.release(Offset(written));
        break;
      case 1:
        if (!random.one_in(4)) break;
        tail.buffer.cut_from(Offset(written));
        while (!tail.batches.empty() && tail.batches.back().base >= written) tail.batches.pop_back();
        tail.next = written;
        break;
      case 2:
        if (random.one_in(10)) tail.buffer.release_all(Offset(written));
        break;
      default:
        tail.append(1 + random.below(random.one_in(20) ? 40'000 : 600), 1 + static_cast<std::int64_t>(random.below(3)));
    }
    if (tail.buffer.empty()) {
      std::erase_if(tail.batches, [&](const auto& batch) { return batch.end <= written; });
      REQUIRE(tail.batches.empty());
      continue;
    }
    const std::int64_t first = tail.buffer.first_offset().value();
    REQUIRE(first <= written);
    std::erase_if(tail.batches, [&](const auto& batch) { return batch.end <= first; });
    const auto span = static_cast<std::uint64_t>(tail.next - first) + 1;
    const auto from = first + static_cast<std::int64_t>(random.below(span));
    const auto end = first + static_cast<std::int64_t>(random.below(span));
    const std::size_t max_bytes = random.below(20'000);
    std::int64_t next_offset = 0;
    const std::string expected = tail.expected(from, end, max_bytes, next_offset);
    const auto slice = tail.buffer.slice(Offset(from), Offset(end), max_bytes);
    REQUIRE(joined(slice.pieces) == expected);
    REQUIRE(slice.bytes == expected.size());
    if (!expected.empty()) REQUIRE(slice.next_offset == Offset(next_offset));
    const auto set = tail.buffer.unwritten(Offset(written), 1 << 30, false);
    std::int64_t end_of_all = 0;
    REQUIRE(joined(set.pieces) == tail.expected(written, tail.next, 1 << 30, end_of_all));
  }
}
