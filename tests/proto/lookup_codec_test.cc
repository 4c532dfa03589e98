#include "proto/lookup_codec.h"

#include "base/coding.h"
#include "tests/support/catch.h"

namespace logcask {
namespace {

std::string keys_of(const std::vector<std::string>& keys) {
  std::string bytes;
  for (const std::string& key : keys) append_key(bytes, key);
  return bytes;
}

LookupResult found() {
  LookupResult result;
  result.status = LookupStatus::found;
  result.ambiguous = true;
  result.key_index = 0x01020304;
  result.partition = PartitionId(5);
  result.offset = Offset(0x0102030405060708);
  result.timestamp = TimestampMs(1'700'000'000'123);
  result.value = "value";
  result.header_count = 2;
  result.raw_headers = "headers";
  return result;
}

std::string encoded(const LookupResult& result) {
  std::string bytes;
  append_lookup_result(bytes, result);
  return bytes;
}

TEST_CASE("keys of any bytes go there and back, empty ones too") {
  const std::vector<std::string> keys = {"a", "", std::string("\0\xff\n", 3), std::string(70000, 'k')};
  const std::string bytes = keys_of(keys);
  const auto back = decode_keys(bytes, 4);
  REQUIRE_OK(back);
  CHECK(std::vector<std::string>(back->begin(), back->end()) == keys);
  CHECK(decode_keys("", 0).value().empty());
}

TEST_CASE("keys that do not fill their attachment exactly are malformed") {
  const std::string bytes = keys_of({"first", "second"});
  for (std::size_t size = 0; size < bytes.size(); ++size)
    CHECK(decode_keys(ByteView(bytes).substr(0, size), 2).code() == Errc::malformed_frame);
  CHECK(decode_keys(bytes, 1).code() == Errc::malformed_frame);
  CHECK(decode_keys(bytes, 3).code() == Errc::malformed_frame);
  CHECK(decode_keys(bytes + "x", 2).code() == Errc::malformed_frame);
  CHECK(decode_keys("x", 0).code() == Errc::malformed_frame);
}

TEST_CASE("a number of keys or results that the bytes cannot hold is refused before memory is taken for it") {
  const auto keys = decode_keys(std::string(400, '\0'), UINT32_MAX);
  REQUIRE(keys.code() == Errc::malformed_frame);
  CHECK_THAT(keys.error().message, Catch::Contains("fewer bytes than keys need"));
  const auto results = decode_lookup_results(std::string(400, '\0'), UINT32_MAX);
  REQUIRE(results.code() == Errc::malformed_frame);
  CHECK_THAT(results.error().message, Catch::Contains("fewer bytes than results need"));
}

TEST_CASE("a lookup result has the bytes that the protocol's page says") {
  const std::string bytes = encoded(found());
  REQUIRE(bytes.size() == kLookupResultFixedBytes + 12);
  const std::string begin("\x00\x01\x00\x00\x01\x02\x03\x04\x00\x00\x00\x05\x01\x02\x03\x04\x05\x06\x07\x08", 20);
  CHECK(bytes.substr(0, 20) == begin);
  CHECK(load_be<std::int64_t>(bytes.data() + 20) == 1'700'000'000'123);
  CHECK(load_be<std::int32_t>(bytes.data() + 28) == 5);
  CHECK(load_be<std::uint32_t>(bytes.data() + 32) == 2);
  CHECK(load_be<std::uint32_t>(bytes.data() + 36) == 7);
  CHECK(bytes.substr(40) == "valueheaders");
}

TEST_CASE("lookup results of every status go there and back together") {
  LookupResult deleted;
  deleted.status = LookupStatus::deleted;
  deleted.offset = Offset(9);
  deleted.value = "never sent";
  LookupResult failed;
  failed.status = LookupStatus::failed;
  failed.error = Errc::corrupt_range;
  LookupResult empty = found();
  empty.value = "";
  empty.raw_headers = "";
  empty.header_count = 0;
  LookupResult expired;
  expired.status = LookupStatus::expired;
  const std::string bytes = encoded(found()) + encoded(deleted) + encoded(failed) + encoded(empty) +
                            encoded(LookupResult()) + encoded(expired);
  const auto decoded = decode_lookup_results(bytes, 6);
  REQUIRE_OK(decoded);
  const std::vector<LookupResult>& back = *decoded;
  CHECK(back[0].status == LookupStatus::found);
  CHECK(back[0].ambiguous);
  CHECK(back[0].key_index == 0x01020304);
  CHECK(back[0].partition == PartitionId(5));
  CHECK(back[0].offset == found().offset);
  CHECK(back[0].timestamp == found().timestamp);
  CHECK(back[0].value == "value");
  CHECK(back[0].header_count == 2);
  CHECK(back[0].raw_headers == "headers");
  CHECK(back[1].status == LookupStatus::deleted);
  CHECK(back[1].offset == Offset(9));
  CHECK(back[1].value.empty());  // only what was found has a value
  CHECK(back[2].error == Errc::corrupt_range);
  CHECK_FALSE(back[2].ambiguous);
  CHECK(back[3].status == LookupStatus::found);
  CHECK(back[3].value.empty());
  CHECK(back[4].status == LookupStatus::absent);
  CHECK(back[4].offset == kNoOffset);
  CHECK(back[5].status == LookupStatus::expired);
}

TEST_CASE("a cut, padded or unknown lookup result is malformed, and says what is wrong") {
  const std::string bytes = encoded(found());
  for (std::size_t size = 0; size < bytes.size(); ++size)
    CHECK(decode_lookup_results(ByteView(bytes).substr(0, size), 1).code() == Errc::malformed_frame);
  const auto what = [](const std::string& wrong, std::uint32_t count) {
    const auto decoded = decode_lookup_results(wrong, count);
    REQUIRE(decoded.code() == Errc::malformed_frame);
    return decoded.error().message;
  };
  CHECK_THAT(what(bytes + "x", 1), Catch::Contains("bytes after the last"));
  CHECK_THAT(what(bytes, 0), Catch::Contains("bytes after the last"));
  CHECK_THAT(what(bytes.substr(0, bytes.size() - 1), 1), Catch::Contains("cut short"));
  std::string unknown = bytes;
  unknown[0] = 5;
  CHECK_THAT(what(unknown, 1), Catch::Contains("unknown lookup status"));
  // Lengths that would wrap around an address.
  for (const std::size_t at : {std::size_t{28}, std::size_t{36}}) {
    std::string endless = bytes;
    store_be(endless.data() + at, std::int32_t{INT32_MAX});
    CHECK_THAT(what(endless, 1), Catch::Contains("cut short"));
  }
}

}  // namespace
}  // namespace logcask
