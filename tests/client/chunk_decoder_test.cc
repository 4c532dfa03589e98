#include "client/chunk_decoder.h"

#include "tests/support/catch.h"

namespace logcask::client {
namespace {

std::string batch_of(std::int64_t base, int count, BatchBuilder::Options options = {}) {
  BatchBuilder builder(Offset(base), options);
  for (int i = 0; i < count; ++i)
    builder.add(Offset(base + i), TimestampMs(1000 + i), "k" + std::to_string(base + i), std::string(50, 'v'));
  std::string bytes;
  REQUIRE_OK(builder.finish(bytes));
  return bytes;
}

std::shared_ptr<const Buffer> owned(const std::string& bytes) {
  return std::make_shared<const Buffer>(Buffer::copy_of(bytes));
}

std::vector<std::int64_t> offsets_of(const std::vector<ReadRecord>& records) {
  std::vector<std::int64_t> offsets;
  for (const ReadRecord& record : records) offsets.push_back(record.offset.value());
  return offsets;
}

TEST_CASE("Records below the position and control batches are not shown, holes are stepped over") {
  BatchBuilder::Options control;
  control.control = true;
  BatchBuilder hole(Offset(20));
  std::string empty;
  REQUIRE_OK(hole.finish(empty, Offset(29)));
  const auto chunk = owned(batch_of(10, 4) + batch_of(15, 1, control) + empty);
  ChunkDecoder decoder(1 << 20);
  decoder.begin(PartitionId(3), chunk, chunk->view(), Offset(12));
  std::vector<ReadRecord> records;
  const auto more = decoder.decode(records, 100);
  REQUIRE_OK(more);
  CHECK_FALSE(*more);
  CHECK(offsets_of(records) == std::vector<std::int64_t>{12, 13});
  CHECK(records[0].partition == PartitionId(3));
  CHECK(records[0].key == "k12");
  CHECK(decoder.position() == Offset(30));
}

TEST_CASE("A chunk is decoded in steps, and views of compressed batches stay until they are let go") {
  BatchBuilder::Options zstd;
  zstd.compression = Compression::zstd;
  const auto chunk = owned(batch_of(0, 5, zstd) + batch_of(5, 5, zstd));
  ChunkDecoder decoder(1 << 20);
  decoder.begin(PartitionId(0), chunk, chunk->view(), Offset(0));
  std::vector<ReadRecord> records;
  REQUIRE(decoder.decode(records, 7).value());
  REQUIRE(records.size() == 7);
  CHECK(records[0].value == std::string(50, 'v'));
  CHECK(decoder.position() == Offset(7));
  records.clear();
  decoder.forget();
  CHECK_FALSE(decoder.decode(records, 7).value());
  CHECK(offsets_of(records) == std::vector<std::int64_t>{7, 8, 9});
  CHECK(records[0].key == "k7");
}

TEST_CASE("A damaged batch is refused by its offset, what lay before it is kept") {
  std::string bytes = batch_of(0, 2) + batch_of(2, 2);
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  const auto chunk = owned(bytes);
  ChunkDecoder decoder(1 << 20);
  decoder.begin(PartitionId(0), chunk, chunk->view(), Offset(0));
  std::vector<ReadRecord> records;
  const auto more = decoder.decode(records, 100);
  CHECK(more.code() == Errc::corrupt_message);
  CHECK(more.error().message.find("offset 2") != std::string::npos);
  CHECK(offsets_of(records) == std::vector<std::int64_t>{0, 1});
  CHECK(decoder.position() == Offset(2));
}

TEST_CASE("A chunk that ends within a batch is refused") {
  const std::string bytes = batch_of(0, 2);
  const auto chunk = owned(bytes.substr(0, bytes.size() - 1));
  ChunkDecoder decoder(1 << 20);
  decoder.begin(PartitionId(0), chunk, chunk->view(), Offset(0));
  std::vector<ReadRecord> records;
  CHECK(decoder.decode(records, 100).code() == Errc::corrupt_message);
}

TEST_CASE("Decompression is bounded") {
  BatchBuilder::Options gzip;
  gzip.compression = Compression::gzip;
  const auto chunk = owned(batch_of(0, 100, gzip));
  ChunkDecoder decoder(200);
  decoder.begin(PartitionId(0), chunk, chunk->view(), Offset(0));
  std::vector<ReadRecord> records;
  CHECK(decoder.decode(records, 1000).code() == Errc::message_too_large);
}

}  // namespace
}  // namespace logcask::client
