#include "proto/batch_header.h"

#include "tests/proto/raw_batch.h"
#include "tests/support/catch.h"

using namespace logcask;
using namespace std::string_literals;

namespace {

// One record "k" -> "v" at offset 42, written by hand from Kafka's description.
const std::string kGolden =
    "\x00\x00\x00\x00\x00\x00\x00\x2a"  // base offset 42
    "\x00\x00\x00\x3a"                  // batch length 58: 49 of header, 9 of records
    "\x00\x00\x00\x07"                  // leader epoch 7
    "\x02"                              // magic
    "\x00\x00\x00\x00"                  // crc, set in golden()
    "\x00\x00"                          // attributes: no codec, CreateTime
    "\x00\x00\x00\x00"                  // last offset delta 0
    "\x00\x00\x01\x8b\xcf\xe5\x68\x00"  // base timestamp 1700000000000
    "\x00\x00\x01\x8b\xcf\xe5\x68\x03"  // max timestamp 1700000000003
    "\x00\x00\x00\x00\x00\x00\x12\x67"  // producer id 4711
    "\x00\x03"                          // producer epoch 3
    "\x00\x00\x00\x28"                  // base sequence 40
    "\x00\x00\x00\x01"                  // record count 1
    "\x10"                              // record length 8
    "\x00"                              // attributes of the record
    "\x06"                              // timestamp delta 3
    "\x00"                              // offset delta 0
    "\x02k"                             // key of 1 byte
    "\x02v"                             // value of 1 byte
    "\x00"s;                            // no headers

std::string golden() {
  std::string batch = kGolden;
  store_be(batch.data() + 17, crc32c_portable(ByteView(batch).substr(21)));
  return batch;
}

void require_corrupt(const RawBatch& raw, const std::string& field) {
  const auto header = decode_batch_header(raw.bytes());
  REQUIRE(header.code() == Errc::corrupt_message);
  INFO(header.error().message);
  CHECK(header.error().message.find(field) != std::string::npos);
}

}  // namespace

TEST_CASE("every field of a batch header is read from its place", "[proto]") {
  const std::string batch = golden();
  const auto decoded = decode_batch_header(batch);
  REQUIRE_OK(decoded);
  const BatchHeader& header = *decoded;
  CHECK(header.base_offset == Offset(42));
  CHECK(header.batch_length == 58);
  CHECK(header.leader_epoch == LeaderEpoch(7));
  CHECK(header.crc == crc32c(ByteView(batch).substr(21)));
  CHECK(header.attributes == 0);
  CHECK(header.last_offset_delta == 0);
  CHECK(header.base_timestamp == TimestampMs(1700000000000));
  CHECK(header.max_timestamp == TimestampMs(1700000000003));
  CHECK(header.producer_id == ProducerId(4711));
  CHECK(header.producer_epoch == 3);
  CHECK(header.base_sequence == 40);
  CHECK(header.record_count == 1);
  CHECK(header.total_bytes() == batch.size());
  CHECK(header.next_offset() == Offset(43));
  CHECK(header.has_producer());
  CHECK(batch_crc_holds(batch));
}

TEST_CASE("attribute bits are read one by one", "[proto]") {
  RawBatch raw;
  const int codec = GENERATE(0, 1, 2, 3, 4);
  const int bit = GENERATE(3, 4, 5, 6);
  raw.attributes = static_cast<std::int16_t>(codec | 1 << bit);
  const BatchHeader header = decode_batch_header(raw.bytes()).value();
  CHECK(static_cast<int>(header.compression()) == codec);
  CHECK((header.timestamp_type() == TimestampType::log_append_time) == (bit == 3));
  CHECK(header.transactional() == (bit == 4));
  CHECK(header.control() == (bit == 5));
  CHECK(header.has_delete_horizon() == (bit == 6));
}

TEST_CASE("a header that cannot be is refused by the field's name", "[proto]") {
  RawBatch raw;
  SECTION("magic") {
    raw.magic = 1;
    require_corrupt(raw, "magic is 1");
  }
  SECTION("length below the header's own") {
    raw.length = 48;
    require_corrupt(raw, "batch length is 48");
  }
  SECTION("length negative") {
    std::string bytes = raw.bytes();
    bytes[8] = '\xff';
    CHECK(decode_batch_header(bytes).code() == Errc::corrupt_message);
  }
  SECTION("base offset negative") {
    raw.base_offset = -1;
    require_corrupt(raw, "base offset is -1");
  }
  SECTION("base offset so high that the last offset would overflow") {
    raw.base_offset = INT64_MAX - INT32_MAX;
    require_corrupt(raw, "base offset");
  }
  SECTION("codec") {
    raw.attributes = static_cast<std::int16_t>(GENERATE(5, 6, 7));
    require_corrupt(raw, "compression codec");
  }
  SECTION("last offset delta") {
    raw.last_offset_delta = -1;
    require_corrupt(raw, "last offset delta");
  }
  SECTION("record count") {
    raw.record_count = -1;
    require_corrupt(raw, "record count");
  }
  SECTION("size") {
    for (std::size_t size = 0; size < kBatchHeaderBytes; ++size)
      CHECK(decode_batch_header(ByteView(kGolden).substr(0, size)).code() == Errc::corrupt_message);
    CHECK(decode_batch_header(ByteView(kGolden).substr(0, kBatchHeaderBytes)).ok());
  }
}

TEST_CASE("base offset and leader epoch are patched without touching the CRC", "[proto]") {
  std::string batch = golden();
  patch_base_offset(batch.data(), Offset(0x123456789a));
  patch_leader_epoch(batch.data(), LeaderEpoch(99));
  CHECK(batch_crc_holds(batch));
  const BatchHeader header = decode_batch_header(batch).value();
  CHECK(header.base_offset == Offset(0x123456789a));
  CHECK(header.leader_epoch == LeaderEpoch(99));
  CHECK(batch.substr(16) == golden().substr(16));
}

TEST_CASE("stamping as LogAppendTime sets the bit, the time and a new CRC, and nothing else", "[proto]") {
  std::string batch = golden();
  stamp_log_append_time(batch.data(), batch.size(), TimestampMs(1800000000000));
  CHECK(batch_crc_holds(batch));
  const BatchHeader header = decode_batch_header(batch).value();
  CHECK(header.timestamp_type() == TimestampType::log_append_time);
  CHECK(header.max_timestamp == TimestampMs(1800000000000));
  CHECK(header.base_timestamp == TimestampMs(1700000000000));
  CHECK(header.crc != decode_batch_header(golden()).value().crc);
  CHECK(batch.substr(43) == golden().substr(43));
}

TEST_CASE("a wrong max timestamp is corrected in place", "[proto]") {
  std::string batch = golden();
  patch_max_timestamp(batch.data(), batch.size(), TimestampMs(5));
  CHECK(batch_crc_holds(batch));
  CHECK(decode_batch_header(batch).value().max_timestamp == TimestampMs(5));
  CHECK(decode_batch_header(batch).value().timestamp_type() == TimestampType::create_time);
}

TEST_CASE("the CRC notices every flipped bit it covers", "[proto]") {
  const std::string good = golden();
  for (std::size_t bit = 17 * 8; bit < good.size() * 8; ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    CHECK_FALSE(batch_crc_holds(bad));
  }
  CHECK_FALSE(batch_crc_holds(ByteView(good).substr(0, kBatchHeaderBytes - 1)));
}
