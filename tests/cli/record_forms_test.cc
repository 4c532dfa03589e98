#include <random>

#include "base/base64.h"
#include "base/utf8.h"
#include "cli/record_json.h"
#include "cli/record_raw.h"
#include "cli/record_text.h"
#include "tests/support/catch.h"
#include "tests/support/seed.h"

using namespace logcask;
using namespace logcask::cli;

namespace {

struct Sample {
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;
};

std::optional<ByteView> view(const std::optional<std::string>& bytes) {
  return bytes ? std::optional<ByteView>(*bytes) : std::nullopt;
}

RecordOut record_of(const Sample& sample) {
  RecordOut record{"topic",          PartitionId(3),     Offset(41), TimestampMs(-1700000000123),
                   view(sample.key), view(sample.value), {}};
  for (const auto& [name, value] : sample.headers) record.headers.emplace_back(name, view(value));
  return record;
}

void check_round_trips(const Sample& sample) {
  const RecordOut record = record_of(sample);
  std::string text, json, raw;
  append_text_record(text, record.key, record.value);
  REQUIRE(text.find('\n') == text.size() - 1);
  auto from_text = parse_text_record(ByteView(text).substr(0, text.size() - 1), {});
  INFO(text);
  REQUIRE_OK(from_text);
  CHECK(from_text->key == sample.key);
  CHECK(from_text->value == sample.value);

  append_json_record(json, record);
  INFO(json);
  REQUIRE(json.find('\n') == json.size() - 1);
  REQUIRE(valid_utf8(json));
  RecordIn from_json;
  const auto kind = parse_json_record(ByteView(json).substr(0, json.size() - 1), from_json);
  REQUIRE_OK(kind);
  CHECK(*kind == JsonLine::record);
  CHECK(from_json.key == sample.key);
  CHECK(from_json.value == sample.value);
  CHECK(from_json.headers == sample.headers);
  CHECK(from_json.timestamp == record.timestamp);

  append_raw_record(raw, record);
  auto bytes = raw_record_bytes(raw);
  REQUIRE_OK(bytes);
  CHECK(*bytes == raw.size());
  auto from_raw = parse_raw_record(raw);
  REQUIRE_OK(from_raw);
  CHECK(from_raw->key == sample.key);
  CHECK(from_raw->value == sample.value);
}

// Strings made of what escaping can get wrong.
std::optional<std::string> random_field(std::mt19937_64& random) {
  static const char* const kPieces[] = {"\t",           "\n",           "\\", "\\N", "\\n",  "\\x00", "null", "a",
                                        "\"",           "\r",           "{",  " ",   "\x7f", "\xff",  "\xc3", "\xa9",
                                        "\xed\xa0\x80", "\xe2\x82\xac", ",",  "=",   ""};
  if (random() % 10 == 0) return std::nullopt;
  std::string out;
  for (std::size_t i = random() % 6; i > 0; --i) {
    if (random() % 4 == 0)
      out += static_cast<char>(random() % 256);
    else
      out += kPieces[random() % std::size(kPieces)];
  }
  return out;
}

}  // namespace

TEST_CASE("a null value, an empty value and the text null are three different things in and out") {
  std::string lines;
  for (const std::optional<std::string>& value :
       {std::optional<std::string>(), std::optional<std::string>(""), std::optional<std::string>("null"),
        std::optional<std::string>("\\N")}) {
    check_round_trips({"k", value, {}});
    append_text_record(lines, "k", view(value));
  }
  CHECK(lines == "\\:k\t\\N\nk\t\nk\tnull\nk\t\\N\n");
}

TEST_CASE("text, JSON and raw give back what they were given, whatever the bytes") {
  const std::uint64_t seed = testing::test_seed();
  INFO("LOGCASK_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 3000; ++round) {
    Sample sample{random_field(random), random_field(random), {}};
    for (std::size_t i = random() % 3; i > 0; --i)
      sample.headers.emplace_back(random_field(random).value_or("h"), random_field(random));
    check_round_trips(sample);
  }
}

TEST_CASE("JSON shows every field of the contract in its order") {
  std::string out;
  append_json_record(out, record_of({"k", "v", {{"h", "x"}, {"n", std::nullopt}}}));
  append_json_record(out, record_of({"\xff", std::nullopt, {}}));
  append_json_record(out, record_of({std::nullopt, "\x80\x81", {{"b", "\xfe"}}}));
  CHECK(
      out ==
      R"({"topic":"topic","partition":3,"offset":41,"timestamp":-1700000000123,"key":"k","value":"v","headers":[["h","x"],["n",null]],"tombstone":false})"
      "\n"
      R"({"topic":"topic","partition":3,"offset":41,"timestamp":-1700000000123,"key_base64":"/w==","value":null,"headers":[],"tombstone":true})"
      "\n"
      R"({"topic":"topic","partition":3,"offset":41,"timestamp":-1700000000123,"key":null,"value_base64":"gIE=","headers":[["b",{"base64":"/g=="}]],"tombstone":false})"
      "\n");
}

TEST_CASE("bad JSON records are refused and the field is named") {
  RecordIn record;
  const auto refusal = [&](ByteView line) {
    auto kind = parse_json_record(line, record);
    REQUIRE(!kind.ok());
    CHECK(kind.code() == Errc::invalid_record);
    return kind.error().message;
  };
  CHECK(refusal("{\"key\":\"k\"}").find("\"value\"") != std::string::npos);
  CHECK(refusal("{\"value\":\"k\"}").find("\"key\"") != std::string::npos);
  CHECK(refusal("{\"key\":1,\"value\":\"v\"}").find("\"key\"") != std::string::npos);
  CHECK(refusal("{\"key\":\"k\",\"valeu\":\"v\"}").find("valeu") != std::string::npos);
  CHECK(refusal("{\"key\":\"k\",\"value\":\"v\",\"tombstone\":true}").find("tombstone") != std::string::npos);
  CHECK(refusal("{\"key\":\"k\",\"value\":null,\"tombstone\":false}").find("tombstone") != std::string::npos);
  CHECK(refusal("{\"key\":\"k\",\"key_base64\":\"aw==\",\"value\":\"v\"}").find("twice") != std::string::npos);
  CHECK(refusal("{\"key\":\"k\",\"value_base64\":\"aw=\"}").find("value_base64") != std::string::npos);
  CHECK(refusal("{\"key\":\"k\",\"value\":\"v\",\"headers\":{}}").find("headers") != std::string::npos);
  CHECK(refusal("{\"key\":\"k\",\"value\":\"v\",\"timestamp\":\"now\"}").find("timestamp") != std::string::npos);
  CHECK(refusal("[1]").find("object") != std::string::npos);
  CHECK(refusal("{\"key\":").find("object") != std::string::npos);
  REQUIRE_OK(parse_json_record("{\"key\":\"k\",\"tombstone\":true}", record));
  CHECK(record.value == std::nullopt);
}

TEST_CASE("base64 refuses what is not canonical") {
  CHECK(decode_base64("") == "");
  CHECK(decode_base64("TWFu") == "Man");
  CHECK(decode_base64("TWE=") == "Ma");
  CHECK(decode_base64("TQ==") == "M");
  for (const char* bad : {"T", "TQ=", "TR==", "TWF=", "=TWF", "TQ==TWFu", "TW u", "===="}) CHECK(!decode_base64(bad));
}

TEST_CASE("raw input that is something else is refused instead of waited for") {
  CHECK(raw_record_bytes("\x7f\xff\xff\xff").code() == Errc::invalid_record);
  CHECK(raw_record_bytes("key\tvalue\n").code() == Errc::invalid_record);
  CHECK(*raw_record_bytes("") == 4);
  CHECK(*raw_record_bytes(ByteView("\0\0\0\2", 4)) == 10);
}
