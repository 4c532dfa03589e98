#include "proto/record_cursor.h"

#include <cstdlib>

#include "base/random.h"
#include "tests/proto/raw_batch.h"
#include "tests/support/catch.h"

using namespace logcask;
using namespace std::string_literals;

namespace {

BatchHeader header_at(std::int64_t base_offset, std::int32_t last_offset_delta) {
  BatchHeader header;
  header.base_offset = Offset(base_offset);
  header.last_offset_delta = last_offset_delta;
  header.base_timestamp = TimestampMs(1000);
  header.max_timestamp = TimestampMs(2000);
  return header;
}

std::string error_of(const std::string& records) {
  RecordCursor cursor(header_at(0, 100), records);
  RecordView record;
  const auto more = cursor.next(record);
  if (more.ok()) return "accepted";
  CHECK(more.code() == Errc::corrupt_message);
  CHECK(cursor.position() == 0);
  return more.error().message;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

// A second decoder, slow and plain, over ByteReader. Empty when the record is not sound.
std::optional<RawRecord> decode_slowly(ByteView bytes, std::size_t& used) {
  ByteReader outer(bytes);
  const std::int32_t size = outer.varint();
  if (!outer.ok() || size < 0) return std::nullopt;
  ByteReader reader(outer.bytes(static_cast<std::size_t>(size)));
  if (!outer.ok()) return std::nullopt;
  used = outer.position();
  RawRecord record;
  record.attributes = reader.fixed<char>();
  record.timestamp_delta = reader.varlong();
  record.offset_delta = reader.varint();
  auto nullable = [&reader](std::int32_t& length, std::string& out) {
    length = reader.varint();
    if (length < -1 || !reader.ok()) return false;
    out = length < 0 ? ByteView() : reader.bytes(static_cast<std::size_t>(length));
    return reader.ok();
  };
  if (!nullable(record.key_size, record.key) || !nullable(record.value_size, record.value)) return std::nullopt;
  record.header_count = reader.varint();
  if (!reader.ok() || record.header_count < 0) return std::nullopt;
  for (std::int32_t i = 0; i < record.header_count; ++i) {
    std::int32_t length = 0;
    std::string ignored;
    if (!nullable(length, ignored) || length < 0 || !nullable(length, ignored)) return std::nullopt;
  }
  if (!reader.at_end() || record.offset_delta < 0 || record.offset_delta > 100) return std::nullopt;
  return record;
}

}  // namespace

TEST_CASE("a record written by hand is read field by field", "[proto]") {
  const std::string bytes =
      "\x30"       // length 24
      "\xff"       // attributes: unused, whatever they hold
      "\x09"       // timestamp delta -5
      "\x0e"       // offset delta 7
      "\x06key"    // key of 3 bytes
      "\x0avalue"  // value of 5 bytes
      "\x04"       // two headers
      "\x02"       // header key of 1 byte
      "a"
      "\x01"  // null header value
      "\x04"  // header key of 2 bytes
      "bc"
      "\x06"  // header value of 3 bytes
      "xyz"
      // The second record:
      "\x0c"    // length 6
      "\x00"    // attributes
      "\x00"    // timestamp delta 0
      "\x10"    // offset delta 8
      "\x01"    // null key
      "\x01"    // null value: a tombstone
      "\x00"s;  // no headers
  RecordCursor cursor(header_at(40, 8), bytes);
  RecordView record;
  REQUIRE(cursor.next(record).value());
  CHECK(record.offset == Offset(47));
  CHECK(record.timestamp == TimestampMs(995));
  CHECK(record.key == ByteView("key"));
  CHECK(record.value == ByteView("value"));
  CHECK_FALSE(record.tombstone());
  CHECK(record.position == 0);
  CHECK(record.encoded_bytes == 25);
  const auto headers = decode_headers(record);
  REQUIRE(headers.size() == 2);
  CHECK(headers[0].key == "a");
  CHECK_FALSE(headers[0].value.has_value());
  CHECK(headers[1].key == "bc");
  CHECK(headers[1].value == ByteView("xyz"));

  REQUIRE(cursor.next(record).value());
  CHECK(record.offset == Offset(48));
  CHECK_FALSE(record.key.has_value());
  CHECK(record.tombstone());
  CHECK(decode_headers(record).empty());
  CHECK(record.position == 25);
  CHECK(record.encoded_bytes == 7);
  CHECK_FALSE(cursor.next(record).value());
  CHECK(cursor.position() == bytes.size());
}

TEST_CASE("a cursor starts in the middle of a batch", "[proto]") {
  std::string records;
  std::vector<std::size_t> positions;
  for (int i = 0; i < 3; ++i) {
    positions.push_back(records.size());
    RawRecord raw;
    raw.offset_delta = i;
    records += raw.bytes();
  }
  const BatchHeader header = header_at(10, 2);
  RecordCursor cursor(header, records, positions[2]);
  RecordView record;
  REQUIRE(cursor.next(record).value());
  CHECK(record.offset == Offset(12));
  CHECK(record.position == positions[2]);
  RecordCursor behind(header, records, records.size() + 1);
  CHECK(behind.next(record).code() == Errc::corrupt_message);
}

TEST_CASE("a LogAppendTime batch overrides the records' own timestamps", "[proto]") {
  BatchHeader header = header_at(0, 0);
  header.attributes = 8;
  RawRecord raw;
  raw.timestamp_delta = 77;
  const std::string records = raw.bytes();
  RecordCursor cursor(header, records);
  RecordView record;
  REQUIRE(cursor.next(record).value());
  CHECK(record.timestamp == TimestampMs(2000));
}

TEST_CASE("numbers of the largest size are read and larger ones refused", "[proto]") {
  SECTION("timestamp deltas of ten bytes") {
    RawRecord raw;
    raw.timestamp_delta = GENERATE(INT64_MAX - 1000, INT64_MIN, -1, 1);
    const std::string records = raw.bytes();
    RecordCursor cursor(header_at(0, 0), records);
    RecordView record;
    REQUIRE(cursor.next(record).value());
    CHECK(record.timestamp.value() == 1000 + raw.timestamp_delta);
  }
  SECTION("an offset delta of five bytes") {
    RawRecord raw;
    raw.offset_delta = INT32_MAX;
    const std::string records = raw.bytes();
    RecordCursor cursor(header_at(0, INT32_MAX), records);
    RecordView record;
    REQUIRE(cursor.next(record).value());
    CHECK(record.offset == Offset(INT32_MAX));
  }
  SECTION("padded varints are still numbers") {
    CHECK(error_of("\x8e\x80\x80\x80\x00"                            // length 7
                   "\x00\x80\x00\x00\x01\x01\x00"s) == "accepted");  // timestamp delta 0 in two bytes
  }
  SECTION("a sixth byte in a varint") {
    CHECK(contains(error_of("\x8c\x80\x80\x80\x80\x00\x00\x00\x00\x01\x01\x00"s), "its length"));
  }
  SECTION("a fifth byte that needs more than 32 bits") {
    CHECK(contains(error_of("\x80\x80\x80\x80\x10"s), "its length"));
  }
  SECTION("an eleventh byte in a varlong") {
    CHECK(
        contains(error_of("\x1e\x00\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00\x00\x01\x01\x00"s), "timestamp delta"));
  }
  SECTION("a tenth byte that needs more than 64 bits") {
    CHECK(contains(error_of("\x1c\x00\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02\x00\x01\x01\x00"s), "timestamp delta"));
  }
}

TEST_CASE("a timestamp beyond 64 bits wraps as in Kafka's clients", "[proto]") {
  BatchHeader header = header_at(0, 0);
  header.base_timestamp = TimestampMs(INT64_MAX);
  RawRecord raw;
  raw.timestamp_delta = 1;
  const std::string records = raw.bytes();
  RecordCursor cursor(header, records);
  RecordView record;
  REQUIRE(cursor.next(record).value());
  CHECK(record.timestamp == TimestampMs(INT64_MIN));
}

TEST_CASE("each wrong length of a record is refused by name", "[proto]") {
  RawRecord raw;
  SECTION("record too long for the batch") {
    raw.length = 100;
    CHECK(contains(error_of(raw.bytes()), "its length does not fit"));
  }
  SECTION("record length negative") {
    raw.length = -1;
    CHECK(contains(error_of(raw.bytes()), "its length does not fit"));
  }
  SECTION("record length zero") {
    raw.length = 0;
    CHECK(contains(error_of(raw.bytes()), "it is empty"));
  }
  SECTION("record shorter than its fields") {
    raw.length = GENERATE(1, 2, 3, 4, 5, 6, 7);
    CHECK(error_of(raw.bytes()) != "accepted");
  }
  SECTION("key too long") {
    raw.key_size = GENERATE(6, 100, INT32_MAX);
    CHECK(contains(error_of(raw.bytes()), "its key"));
  }
  SECTION("key length below -1") {
    raw.key_size = GENERATE(-3, INT32_MIN);
    CHECK(contains(error_of(raw.bytes()), "its key"));
  }
  SECTION("value too long") {
    raw.value_size = GENERATE(4, INT32_MAX);
    CHECK(contains(error_of(raw.bytes()), "its value"));
  }
  SECTION("value length below -1") {
    raw.value_size = GENERATE(-3, INT32_MIN);
    CHECK(contains(error_of(raw.bytes()), "its value"));
  }
  SECTION("header count negative") {
    raw.header_count = -1;
    CHECK(contains(error_of(raw.bytes()), "its header count"));
  }
  SECTION("header count beyond the bytes") {
    raw.header_count = GENERATE(1, INT32_MAX);
    CHECK(contains(error_of(raw.bytes()), "its header count"));
  }
  SECTION("header with a null key") {
    raw.header_count = 1;
    raw.headers = "\x01\x01";
    CHECK(contains(error_of(raw.bytes()), "header's key is null"));
  }
  SECTION("header value too long") {
    raw.header_count = 1;
    raw.headers = "\x02h\x04v";
    CHECK(contains(error_of(raw.bytes()), "header's value"));
  }
  SECTION("header value below null") {
    raw.header_count = 1;
    raw.headers = "\x02h\x03";
    CHECK(contains(error_of(raw.bytes()), "header's value"));
  }
  SECTION("bytes after the last field") {
    raw.tail = "x";
    CHECK(contains(error_of(raw.bytes()), "bytes follow its last field"));
  }
  SECTION("offset outside the batch") {
    raw.offset_delta = GENERATE(-1, 101);
    CHECK(contains(error_of(raw.bytes()), "its offset lies outside the batch"));
  }
}

TEST_CASE("a record whose offset is not above that of the record before is refused", "[proto]") {
  for (const std::int32_t second : {0, 1, 2, 3}) {
    RawRecord records[2];
    records[0].offset_delta = 2;
    records[1].offset_delta = second;
    const std::string section = records[0].bytes() + records[1].bytes();
    RecordCursor cursor(header_at(40, 100), section);
    RecordView record;
    REQUIRE(cursor.next(record).ok());
    const auto more = cursor.next(record);
    CAPTURE(second);
    REQUIRE(more.ok() == (second == 3));
    if (!more.ok()) {
      CHECK(more.code() == Errc::corrupt_message);
      CHECK(contains(more.error().message, "not above that of the record before"));
    }
  }
}

TEST_CASE("the decoder agrees with a plain one on damaged records", "[proto]") {
  const char* seed_text = std::getenv("LOGCASK_TEST_SEED");
  const std::uint64_t seed = seed_text ? std::strtoull(seed_text, nullptr, 10) : 1;
  INFO("LOGCASK_TEST_SEED=" << seed);
  Random random(seed);
  int accepted = 0;
  for (int round = 0; round < 200000; ++round) {
    RawRecord raw;
    raw.timestamp_delta = static_cast<std::int64_t>(random.next() >> random.below(64));
    raw.offset_delta = static_cast<std::int32_t>(random.below(101));
    raw.key = std::string(random.below(70), 'k');
    raw.value = std::string(random.below(70), 'v');
    if (random.one_in(2)) {
      raw.header_count = 2;
      raw.headers = "\x02h\x01\x04hh\x02x"s;
    }
    std::string bytes = raw.bytes();
    for (std::uint64_t n = random.below(3); n > 0; --n)
      bytes[random.below(bytes.size())] = static_cast<char>(random.one_in(2) ? random.next() : random.below(4));
    bytes.resize(bytes.size() - (random.one_in(8) ? random.below(bytes.size()) : 0));
    std::size_t used = 0;
    const auto want = decode_slowly(bytes, used);
    RecordCursor cursor(header_at(0, 100), bytes);
    RecordView record;
    const auto more = cursor.next(record);
    REQUIRE(more.ok() == want.has_value());
    if (!want) continue;
    ++accepted;
    REQUIRE(cursor.position() == used);
    REQUIRE(record.offset == Offset(want->offset_delta));
    REQUIRE(record.key == (want->key_size < 0 ? std::optional<ByteView>() : ByteView(want->key)));
    REQUIRE(record.value == (want->value_size < 0 ? std::optional<ByteView>() : ByteView(want->value)));
    REQUIRE(decode_headers(record).size() == static_cast<std::size_t>(want->header_count));
  }
  CHECK(accepted > 10000);
  CHECK(accepted < 190000);
}

TEST_CASE("the records section of a batch is found, or the batch is too short", "[proto]") {
  const std::string batch = RawBatch().bytes();
  const BatchHeader header = decode_batch_header(batch).value();
  std::string scratch;
  CHECK(batch_records(header, batch, 0, scratch).value() == RawRecord().bytes());
  CHECK(batch_records(header, batch + "more", 0, scratch).value() == RawRecord().bytes());
  CHECK(batch_records(header, ByteView(batch).substr(0, batch.size() - 1), 0, scratch).code() == Errc::corrupt_message);
}
