#include "proto/batch_builder.h"

#include "proto/batch_check.h"
#include "tests/proto/raw_batch.h"
#include "tests/support/catch.h"

using namespace logcask;

namespace {

std::string finish(BatchBuilder& builder, std::optional<Offset> last_offset = std::nullopt) {
  std::string out;
  REQUIRE_OK(builder.finish(out, last_offset));
  REQUIRE(batch_crc_holds(out));
  return out;
}

std::vector<RecordView> records_of(const std::string& batch, std::string& scratch) {
  const BatchHeader header = decode_batch_header(batch).value();
  RecordCursor cursor(header, batch_records(header, batch, 1u << 20, scratch).value());
  std::vector<RecordView> records;
  RecordView record;
  while (cursor.next(record).value()) records.push_back(record);
  return records;
}

}  // namespace

TEST_CASE("a built batch is the same as one written field by field", "[proto]") {
  BatchBuilder::Options options;
  options.leader_epoch = LeaderEpoch(6);
  options.producer_id = ProducerId(4711);
  options.producer_epoch = 2;
  options.base_sequence = 30;
  BatchBuilder builder(Offset(100), options);
  CHECK(builder.empty());
  CHECK(builder.size_bytes() == kBatchHeaderBytes);
  builder.add(Offset(100), TimestampMs(1000), "k", "v");
  builder.add(Offset(103), TimestampMs(900), std::nullopt, std::nullopt, {{"h", std::nullopt}, {"", ByteView("x")}});
  CHECK(builder.record_count() == 2);

  RawBatch raw;
  raw.base_offset = 100;
  raw.leader_epoch = 6;
  raw.last_offset_delta = 3;
  raw.producer_id = 4711;
  raw.producer_epoch = 2;
  raw.base_sequence = 30;
  raw.record_count = 2;
  RawRecord second;
  second.offset_delta = 3;
  second.timestamp_delta = -100;
  second.key = second.value = "";
  second.key_size = second.value_size = -1;
  second.header_count = 2;
  second.headers = std::string("\x02h\x01\x00\x02x", 6);
  raw.records = RawRecord().bytes() + second.bytes();
  CHECK(builder.size_bytes() == raw.bytes().size());
  CHECK(finish(builder) == raw.bytes());
}

TEST_CASE("a batch built with any codec passes the produce check and reads back", "[proto]") {
  BatchBuilder::Options options;
  options.compression = static_cast<Compression>(GENERATE(0, 1, 2, 3, 4));
  BatchBuilder builder(Offset(0), options);
  for (int i = 0; i < 500; ++i) builder.add(Offset(i), TimestampMs(i), "key" + std::to_string(i), "value");
  const std::string batch = finish(builder);
  CHECK(decode_batch_header(batch).value().compression() == options.compression);
  CHECK(check_produced_batch(batch, BatchRules()).ok());
  std::string scratch;
  const auto records = records_of(batch, scratch);
  REQUIRE(records.size() == 500);
  CHECK(records[499].key == ByteView("key499"));
}

TEST_CASE("a rewritten batch keeps its base and last offset around what is left", "[proto]") {
  BatchBuilder builder(Offset(50));
  builder.add(Offset(53), TimestampMs(7), "k", "v");
  const std::string batch = finish(builder, Offset(60));
  const BatchHeader header = decode_batch_header(batch).value();
  CHECK(header.base_offset == Offset(50));
  CHECK(header.last_offset() == Offset(60));
  CHECK(header.record_count == 1);
  CHECK(header.base_timestamp == TimestampMs(7));
  std::string scratch;
  CHECK(records_of(batch, scratch).at(0).offset == Offset(53));
}

TEST_CASE("a batch without records is legal and is never compressed", "[proto]") {
  BatchBuilder::Options options;
  options.compression = Compression::zstd;
  options.producer_id = ProducerId(1);
  BatchBuilder builder(Offset(10), options);
  const std::string batch = finish(builder, Offset(19));
  CHECK(batch.size() == kBatchHeaderBytes);
  const BatchHeader header = decode_batch_header(batch).value();
  CHECK(header.compression() == Compression::none);
  CHECK(header.record_count == 0);
  CHECK(header.next_offset() == Offset(20));
  CHECK(header.producer_id == ProducerId(1));
  std::string scratch;
  CHECK(records_of(batch, scratch).empty());
}

TEST_CASE("copying decoded records keeps every byte of them", "[proto]") {
  BatchBuilder builder(Offset(0));
  builder.add(Offset(0), TimestampMs(5), "a", "1", {{"h", ByteView("x")}, {"null", std::nullopt}});
  builder.add(Offset(1), TimestampMs(6), "b", std::nullopt);
  builder.add(Offset(2), TimestampMs(4), std::nullopt, "");
  const std::string batch = finish(builder);
  std::string scratch;
  BatchBuilder copy(Offset(0));
  for (const RecordView& record : records_of(batch, scratch)) copy.add(record);
  CHECK(finish(copy) == batch);
}

TEST_CASE("timestamps as far apart as numbers go survive", "[proto]") {
  BatchBuilder builder(Offset(0));
  builder.add(Offset(0), TimestampMs(INT64_MIN), "a", "1");
  builder.add(Offset(1), TimestampMs(INT64_MAX), "a", "2");
  builder.add(Offset(2), TimestampMs(-1), "a", "3");
  const std::string batch = finish(builder);
  CHECK(decode_batch_header(batch).value().max_timestamp == TimestampMs(INT64_MAX));
  std::string scratch;
  const auto records = records_of(batch, scratch);
  CHECK(records[0].timestamp == TimestampMs(INT64_MIN));
  CHECK(records[1].timestamp == TimestampMs(INT64_MAX));
  CHECK(records[2].timestamp == TimestampMs(-1));
}

TEST_CASE("a control batch carries its type in the key", "[proto]") {
  BatchBuilder::Options options;
  options.control = options.transactional = true;
  BatchBuilder builder(Offset(8), options);
  builder.add(Offset(8), TimestampMs(1), ByteView("\0\0\0\1", 4), ByteView("\0\0\0\0\0\x09", 6));
  const std::string batch = finish(builder);
  const BatchHeader header = decode_batch_header(batch).value();
  CHECK(header.control());
  CHECK(header.transactional());
  std::string scratch;
  ByteReader key(records_of(batch, scratch).at(0).key.value());
  CHECK(key.fixed<std::int16_t>() == 0);  // version
  CHECK(key.fixed<std::int16_t>() == 1);  // commit
}

TEST_CASE("a LogAppendTime batch is built with its bit", "[proto]") {
  BatchBuilder::Options options;
  options.timestamp_type = TimestampType::log_append_time;
  BatchBuilder builder(Offset(0), options);
  builder.add(Offset(0), TimestampMs(77), "k", "v");
  const std::string batch = finish(builder);
  CHECK(decode_batch_header(batch).value().timestamp_type() == TimestampType::log_append_time);
  std::string scratch;
  CHECK(records_of(batch, scratch).at(0).timestamp == TimestampMs(77));
}

TEST_CASE("finish appends behind what the caller has", "[proto]") {
  std::string out = "before";
  BatchBuilder builder(Offset(0));
  builder.add(Offset(0), TimestampMs(0), "k", "v");
  REQUIRE_OK(builder.finish(out));
  CHECK(out.substr(0, 6) == "before");
  CHECK(batch_crc_holds(ByteView(out).substr(6)));
  CHECK(check_produced_batch(ByteView(out).substr(6), BatchRules()).ok());
}
