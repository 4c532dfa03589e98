#include "proto/batch_check.h"

#include "proto/batch_builder.h"
#include "tests/proto/alloc_meter.h"
#include "tests/proto/raw_batch.h"
#include "tests/support/catch.h"

using namespace logcask;

namespace {

std::string two_records(const RawRecord& second = {}) {
  RawRecord first;
  RawRecord next = second;
  if (next.offset_delta == 0) next.offset_delta = 1;
  return first.bytes() + next.bytes();
}

RawBatch two_record_batch() {
  RawBatch raw;
  raw.last_offset_delta = 1;
  raw.record_count = 2;
  raw.records = two_records();
  return raw;
}

void require_refused(const std::string& bytes, Errc code, const std::string& part, const BatchRules& rules = {}) {
  const auto checked = check_produced_batch(bytes, rules);
  REQUIRE_FALSE(checked.ok());
  INFO(checked.error().to_string());
  CHECK(checked.code() == code);
  CHECK(checked.error().message.find(part) != std::string::npos);
}

// The same records behind a codec, so that the CRC is right and only the rule under test is broken.
std::string compressed(RawBatch raw, Compression codec) {
  std::string section;
  REQUIRE_OK(compress(codec, raw.records, section));
  raw.records = section;
  raw.attributes = static_cast<std::int16_t>(raw.attributes | static_cast<int>(codec));
  return raw.bytes();
}

}  // namespace

TEST_CASE("a sound batch is taken and its records described", "[proto]") {
  RawBatch raw;
  raw.record_count = 3;
  raw.last_offset_delta = 2;
  RawRecord a;
  a.timestamp_delta = 5;
  RawRecord b;
  b.offset_delta = 1;
  b.key = "bb";
  b.value = "";
  b.value_size = -1;
  RawRecord c;
  c.offset_delta = 2;
  c.key = "";
  c.key_size = -1;
  c.timestamp_delta = -5;
  raw.records = a.bytes() + b.bytes() + c.bytes();
  const auto codec = static_cast<Compression>(GENERATE(0, 1, 2, 3, 4));
  const std::string bytes = compressed(raw, codec);

  auto checked = check_produced_batch(bytes, BatchRules());
  REQUIRE_OK(checked);
  const CheckedBatch& batch = **checked;
  CHECK(batch.batch.data() == bytes.data());
  CHECK(batch.batch.size() == bytes.size());
  CHECK(batch.header.record_count == 3);
  CHECK(batch.max_timestamp == TimestampMs(1005));  // though the header says 1000
  REQUIRE(batch.records.size() == 3);
  CHECK(batch.records[0].key == "k");
  CHECK(batch.records[0].timestamp == TimestampMs(1005));
  CHECK(batch.records[0].position == 0);
  CHECK(batch.records[0].encoded_bytes == a.bytes().size());
  CHECK_FALSE(batch.records[0].tombstone);
  CHECK(batch.records[1].key == "bb");
  CHECK(batch.records[1].has_key);
  CHECK(batch.records[1].tombstone);
  CHECK(batch.records[1].position == a.bytes().size());
  CHECK_FALSE(batch.records[2].has_key);
  CHECK(batch.records[2].key.empty());
  CHECK(batch.records[2].timestamp == TimestampMs(995));
}

TEST_CASE("an empty key is a key, a null key is none", "[proto]") {
  BatchRules compacted;
  compacted.keys_required = true;
  RawBatch raw = two_record_batch();
  RawRecord second;
  second.key = "";
  raw.records = two_records(second);
  CHECK(check_produced_batch(raw.bytes(), compacted).ok());
  second.key_size = -1;
  raw.records = two_records(second);
  CHECK(check_produced_batch(raw.bytes(), BatchRules()).ok());
  require_refused(raw.bytes(), Errc::invalid_record, "record 1: null key on a compacted topic; give every record a key",
                  compacted);
}

TEST_CASE("each attribute a client may not set is refused", "[proto]") {
  RawBatch raw;
  SECTION("control") {
    raw.attributes = 0x20;
    require_refused(raw.bytes(), Errc::invalid_record, "control batches");
  }
  SECTION("transactional") {
    raw.attributes = 0x10;
    require_refused(raw.bytes(), Errc::invalid_record, "transactions are not served");
  }
  SECTION("delete horizon") {
    raw.attributes = 0x40;
    require_refused(raw.bytes(), Errc::invalid_record, "delete horizon");
  }
  SECTION("LogAppendTime") {
    raw.attributes = 0x08;
    require_refused(raw.bytes(), Errc::invalid_record, "LogAppendTime");
  }
  SECTION("unknown bits") {
    raw.attributes = static_cast<std::int16_t>(1 << GENERATE(range(7, 16)));
    require_refused(raw.bytes(), Errc::invalid_record, "unknown bits");
  }
  SECTION("unknown codec") {
    raw.attributes = 5;
    require_refused(raw.bytes(), Errc::corrupt_message, "compression codec");
  }
}

TEST_CASE("a batch that is not exactly one batch is refused", "[proto]") {
  const std::string one = RawBatch().bytes();
  require_refused(one + one, Errc::invalid_record, "exactly one batch");
  require_refused(one + "x", Errc::invalid_record, "1 bytes follow the batch");
  require_refused("", Errc::invalid_record, "there is no batch");
  BatchRules rules;
  rules.max_batch_bytes = one.size();
  CHECK(check_produced_batch(one, rules).ok());
  --rules.max_batch_bytes;
  require_refused(one, Errc::message_too_large, "max.message.bytes is " + std::to_string(one.size() - 1), rules);
}

TEST_CASE("counts and offset deltas must be 0 to n-1", "[proto]") {
  RawBatch raw = two_record_batch();
  SECTION("no record") {
    raw.record_count = 0;
    raw.records.clear();
    require_refused(raw.bytes(), Errc::invalid_record, "no record");
  }
  SECTION("last offset delta") {
    raw.last_offset_delta = GENERATE(0, 2);
    require_refused(raw.bytes(), Errc::invalid_record, "last offset delta");
  }
  SECTION("an offset twice, skipped or negative") {
    RawRecord second;
    second.offset_delta = GENERATE(2, -1, INT32_MAX);
    raw.records = two_records(second);
    require_refused(raw.bytes(), Errc::invalid_record, "record 1: offset delta");
  }
  SECTION("the first offset not 0") {
    RawRecord first;
    first.offset_delta = 1;
    raw.records = first.bytes() + two_records().substr(RawRecord().bytes().size());
    require_refused(raw.bytes(), Errc::invalid_record, "record 0: offset delta 1, want 0");
  }
  SECTION("one record more than counted") {
    raw.record_count = 1;
    raw.last_offset_delta = 0;
    require_refused(raw.bytes(), Errc::corrupt_message, "bytes follow the last of 1 records");
  }
  SECTION("one record fewer than counted") {
    raw.record_count = 3;
    raw.last_offset_delta = 2;
    RawRecord second;
    second.value = "long enough for three";
    raw.records = two_records(second);
    require_refused(raw.bytes(), Errc::corrupt_message, "record 2: its length is cut short");
  }
}

TEST_CASE("a lie about the record count allocates nothing", "[proto]") {
  RawBatch raw = two_record_batch();
  raw.record_count = GENERATE(100, 1 << 20, INT32_MAX);
  raw.last_offset_delta = raw.record_count - 1;
  const std::string bytes = compressed(raw, static_cast<Compression>(GENERATE(0, 1, 2, 3, 4)));
  AllocMeter meter;
  const auto checked = check_produced_batch(bytes, BatchRules());
  CHECK(meter.peak_bytes() < 100000);
  REQUIRE_FALSE(checked.ok());
  CHECK((checked.code() == Errc::corrupt_message || checked.code() == Errc::message_too_large));
}

TEST_CASE("more records than the rules allow are refused, however small they are", "[proto]") {
  BatchRules rules;
  rules.max_records = 1;
  require_refused(two_record_batch().bytes(), Errc::message_too_large, "2 records, at most 1", rules);
}

TEST_CASE("a producer id asks for an epoch and a sequence", "[proto]") {
  RawBatch raw;
  raw.producer_id = 9;
  require_refused(raw.bytes(), Errc::invalid_record, "no epoch");
  raw.producer_epoch = 0;
  require_refused(raw.bytes(), Errc::invalid_record, "no base sequence");
  raw.base_sequence = 0;
  CHECK(check_produced_batch(raw.bytes(), BatchRules()).ok());
  raw.producer_id = -2;
  require_refused(raw.bytes(), Errc::invalid_record, "negative");
}

TEST_CASE("a timestamp beyond 64 bits is refused from a client", "[proto]") {
  RawBatch raw = two_record_batch();
  raw.base_timestamp = INT64_MAX;
  RawRecord second;
  second.timestamp_delta = 1;
  raw.records = two_records(second);
  require_refused(raw.bytes(), Errc::invalid_record, "record 1: its timestamp does not fit 64 bits");
}

TEST_CASE("damage inside a record names the record", "[proto]") {
  RawBatch raw = two_record_batch();
  RawRecord second;
  second.key_size = 77;
  raw.records = two_records(second);
  require_refused(raw.bytes(), Errc::corrupt_message, "record 1: its key does not fit");
  require_refused(compressed(raw, Compression::zstd), Errc::corrupt_message, "record 1: its key does not fit");
}

TEST_CASE("a small batch that decompresses beyond the rules is refused in bounded memory", "[proto]") {
  RawBatch raw;
  RawRecord record;
  record.value = std::string(32u << 20, 'v');
  raw.records = record.bytes();
  const std::string bytes = compressed(raw, static_cast<Compression>(GENERATE(1, 2, 3, 4)));
  BatchRules rules;
  rules.max_batch_bytes = 4u << 20;
  rules.max_decompressed_bytes = 1u << 20;
  AllocMeter meter;
  require_refused(bytes, Errc::message_too_large, "more than 1048576 bytes", rules);
  CHECK(meter.peak_bytes() < (2u << 20) + 100000);
  rules.max_decompressed_bytes = raw.records.size();
  CHECK(check_produced_batch(bytes, rules).ok());
}

TEST_CASE("a batch cut at any length is refused", "[proto]") {
  const std::string bytes = compressed(two_record_batch(), static_cast<Compression>(GENERATE(0, 1, 2, 3, 4)));
  for (std::size_t size = 0; size < bytes.size(); ++size)
    CHECK_FALSE(check_produced_batch(std::string(bytes, 0, size), BatchRules()).ok());
}

TEST_CASE("a batch with any bit flipped is refused, but for the two fields outside the CRC", "[proto]") {
  const std::string good = compressed(two_record_batch(), static_cast<Compression>(GENERATE(0, 1, 2, 3, 4)));
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    const auto checked = check_produced_batch(bad, BatchRules());
    const std::size_t byte = bit / 8;
    const bool base_offset = byte < 8;
    const bool leader_epoch = byte >= 12 && byte < 16;
    CAPTURE(bit);
    if (leader_epoch) CHECK(checked.ok());
    if (!leader_epoch && !base_offset) CHECK_FALSE(checked.ok());
  }
}

TEST_CASE("damage that the CRC agrees with never crashes and never yields views outside the batch", "[proto]") {
  const auto codec = static_cast<Compression>(GENERATE(0, 1, 2, 3, 4));
  RawBatch raw = two_record_batch();
  std::string section;
  REQUIRE_OK(compress(codec, raw.records, section));
  raw.attributes = static_cast<std::int16_t>(codec);
  for (std::size_t bit = 0; bit < section.size() * 8; ++bit) {
    raw.records = section;
    raw.records[bit / 8] = static_cast<char>(section[bit / 8] ^ (1 << bit % 8));
    const std::string bytes = raw.bytes();
    const auto checked = check_produced_batch(bytes, BatchRules());
    if (!checked.ok()) continue;
    const ByteView home = codec == Compression::none ? ByteView(bytes) : ByteView((*checked)->decompressed);
    for (const CheckedRecord& record : (*checked)->records) {
      if (!record.has_key) continue;
      CHECK(record.key.data() >= home.data());
      CHECK(record.key.data() + record.key.size() <= home.data() + home.size());
    }
  }
}
