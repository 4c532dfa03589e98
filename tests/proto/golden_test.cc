// Batches that librdkafka and Kafka's own Java classes wrote (golden/README.md), byte for byte.
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include "base/coding.h"
#include "tests/proto/golden/golden_records.h"
#include "tests/support/catch.h"

using namespace logcask;

namespace {

std::string golden_file(const std::string& name) {
  std::ifstream file(std::string(LOGCASK_GOLDEN_DIR) + "/" + name, std::ios::binary);
  REQUIRE(file.good());
  return {std::istreambuf_iterator<char>(file), {}};
}

void check_headers(const RecordView& record, int i) {
  const auto want = golden::headers(i);
  const auto got = decode_headers(record);
  REQUIRE(got.size() == want.size());
  for (std::size_t h = 0; h < want.size(); ++h) {
    CHECK(got[h].key == want[h].key);
    CHECK(got[h].value == golden::view(want[h].value));
  }
}

void check_records(const std::string& bytes) {
  REQUIRE(batch_crc_holds(bytes));
  auto header = decode_batch_header(bytes);
  REQUIRE_OK(header);
  std::string scratch;
  auto section = batch_records(*header, bytes, 1u << 20, scratch);
  REQUIRE_OK(section);
  RecordCursor cursor(*header, *section);
  RecordView record;
  for (int i = 0; i < golden::kRecords; ++i) {
    CAPTURE(i);
    auto more = cursor.next(record);
    REQUIRE_OK(more);
    REQUIRE(*more);
    const auto key = golden::key(i);
    const auto value = golden::value(i);
    CHECK(record.offset == Offset(i));
    CHECK(record.timestamp == golden::timestamp(i));
    CHECK(record.key == golden::view(key));
    CHECK(record.value == golden::view(value));
    check_headers(record, i);
  }
  CHECK_FALSE(cursor.next(record).value());
}

}  // namespace

TEST_CASE("every record of other clients' batches is read, in every codec", "[proto][golden]") {
  const std::string peer = GENERATE("librdkafka", "java");
  const int codec = GENERATE(0, 1, 2, 3, 4);
  const auto compression = static_cast<Compression>(codec);
  const std::string name = peer + "-" + std::string(compression_name(compression)) + ".bin";
  INFO(name);
  const std::string bytes = golden_file(name);
  CHECK(decode_batch_header(bytes).value().compression() == compression);
  check_records(bytes);

  auto checked = check_produced_batch(bytes, BatchRules());
  REQUIRE_OK(checked);
  const CheckedBatch& batch = **checked;
  CHECK(batch.records.size() == 100);
  CHECK(batch.max_timestamp == batch.header.max_timestamp);
  CHECK(batch.records[13].tombstone);
  CHECK_FALSE(batch.records[7].has_key);
  CHECK(batch.decompressed.empty() == (codec == 0));

  BatchRules compacted;
  compacted.keys_required = true;
  auto refused = check_produced_batch(bytes, compacted);
  REQUIRE(refused.code() == Errc::invalid_record);
  CHECK(refused.error().message == "record 7: null key on a compacted topic; give every record a key");
}

TEST_CASE("an idempotent librdkafka batch carries its producer", "[proto][golden]") {
  const std::string bytes = golden_file("librdkafka-idempotent.bin");
  check_records(bytes);
  auto checked = check_produced_batch(bytes, BatchRules());
  REQUIRE_OK(checked);
  CHECK((*checked)->header.producer_id == ProducerId(4711));
  CHECK((*checked)->header.producer_epoch == 3);
  CHECK((*checked)->header.base_sequence == 0);
}

TEST_CASE("our builder writes the very bytes that Kafka's classes write", "[proto][golden]") {
  BatchBuilder::Options options;
  options.leader_epoch = LeaderEpoch(-1);
  BatchBuilder builder(Offset(0), options);
  golden::add_all(builder);
  std::string ours;
  REQUIRE_OK(builder.finish(ours));
  CHECK(ours == golden_file("java-none.bin"));
}

TEST_CASE("a LogAppendTime batch gives every record the broker's time", "[proto][golden]") {
  const std::string bytes = golden_file("java-append-time.bin");
  REQUIRE(batch_crc_holds(bytes));
  const BatchHeader header = decode_batch_header(bytes).value();
  CHECK(header.timestamp_type() == TimestampType::log_append_time);
  RecordCursor cursor(header, ByteView(bytes).substr(kBatchHeaderBytes));
  RecordView record;
  REQUIRE(cursor.next(record).value());
  CHECK(record.offset == Offset(500));
  CHECK(record.timestamp == TimestampMs(1700000099999));
  REQUIRE(cursor.next(record).value());
  CHECK(record.offset == Offset(501));
  CHECK(record.timestamp == TimestampMs(1700000099999));
  CHECK(record.tombstone());
}

TEST_CASE("Kafka's commit marker is read as a control batch and refused from a client", "[proto][golden]") {
  const std::string bytes = golden_file("java-commit-marker.bin");
  REQUIRE(batch_crc_holds(bytes));
  const BatchHeader header = decode_batch_header(bytes).value();
  CHECK(header.control());
  CHECK(header.transactional());
  CHECK(header.producer_id == ProducerId(4711));
  CHECK(header.base_offset == Offset(77));
  RecordCursor cursor(header, ByteView(bytes).substr(kBatchHeaderBytes));
  RecordView record;
  REQUIRE(cursor.next(record).value());
  ByteReader key(record.key.value());
  CHECK(key.fixed<std::int16_t>() == 0);  // version
  CHECK(key.fixed<std::int16_t>() == 1);  // commit
  CHECK(key.at_end());
  ByteReader value(record.value.value());
  CHECK(value.fixed<std::int16_t>() == 0);  // version
  CHECK(value.fixed<std::int32_t>() == 9);  // coordinator epoch
  CHECK(value.at_end());
  CHECK(check_produced_batch(bytes, BatchRules()).code() == Errc::invalid_record);
}

TEST_CASE("Kafka's empty batch of a compacted log is read", "[proto][golden]") {
  const std::string bytes = golden_file("java-empty.bin");
  REQUIRE(batch_crc_holds(bytes));
  const BatchHeader header = decode_batch_header(bytes).value();
  CHECK(header.record_count == 0);
  CHECK(header.base_offset == Offset(100));
  CHECK(header.last_offset() == Offset(119));
  CHECK(header.base_sequence == 40);
  std::string scratch;
  CHECK(batch_records(header, bytes, 100, scratch).value().empty());
}

TEST_CASE("the annotated batch of docs/FORMAT.md is the golden one, byte for byte", "[proto][golden]") {
  std::ifstream page(std::string(LOGCASK_GOLDEN_DIR) + "/../../../docs/FORMAT.md");
  REQUIRE(page.good());
  std::string line;
  while (std::getline(page, line) && line != "<!-- golden: java-append-time.bin -->") {
  }
  std::getline(page, line);  // the fence
  std::string shown;
  while (std::getline(page, line) && line != "```") {
    INFO(line);
    REQUIRE(std::stoul(line, nullptr, 16) == shown.size());
    std::istringstream bytes(line.substr(3, line.find("   ") - 3));
    for (std::string byte; bytes >> byte;) shown += static_cast<char>(std::stoul(byte, nullptr, 16));
  }
  CHECK(shown == golden_file("java-append-time.bin"));
}
