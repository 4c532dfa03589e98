#include <string>

#include "proto/kafka/api_versions.h"
#include "proto/kafka/create_topics.h"
#include "proto/kafka/fetch.h"
#include "proto/kafka/frame.h"
#include "proto/kafka/metadata.h"
#include "proto/kafka/produce.h"
#include "tests/support/catch.h"

namespace logcask::kafka {
namespace {

std::string from_hex(std::string_view text) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); i += text[i] == ' ' ? 1 : 2)
    if (text[i] != ' ') bytes += static_cast<char>(digit(text[i]) * 16 + digit(text[i + 1]));
  return bytes;
}

template <class Message>
std::string written(const Message& message, Layout layout) {
  Written out;
  REQUIRE(Writer(out, layout).write(message).ok());
  return out.joined();
}

}  // namespace

TEST_CASE("a Kafka message in an old version has fixed lengths") {
  const std::string bytes = from_hex("00000002 0003 616263 0001 78 01");
  MetadataRequest request;
  REQUIRE(Reader(bytes, {4, false}).read(request).ok());
  REQUIRE(request.topics->size() == 2);
  CHECK(request.topics->at(0).name == "abc");
  CHECK(request.topics->at(1).name == "x");
  CHECK(request.allow_auto_topic_creation);
  CHECK(written(request, {4, false}) == bytes);
}

TEST_CASE("a Kafka message in a flexible version has compact lengths and tagged fields") {
  // One topic by id, without a name; its struct and the message end with an unknown tag each, which is stepped over.
  const std::string id = "000102030405060708090a0b0c0d0e0f";
  const std::string bytes = from_hex("02 " + id + " 00 01 07 02 ffff 00 00 01 63 01 aa");
  MetadataRequest request;
  REQUIRE(Reader(bytes, {12, true}).read(request).ok());
  REQUIRE(request.topics->size() == 1);
  CHECK_FALSE(request.topics->at(0).name);
  CHECK(request.topics->at(0).topic_id.to_hex() == id);
  CHECK_FALSE(request.allow_auto_topic_creation);
  CHECK(written(request, {12, true}) == from_hex("02 " + id + " 00 00 00 00 00"));
}

TEST_CASE("a null list is all topics, from the version on that has a null") {
  MetadataRequest request;
  REQUIRE(Reader(from_hex("ffffffff"), {1, false}).read(request).ok());
  CHECK_FALSE(request.topics);
  const auto refused = Reader(from_hex("ffffffff"), {0, false}).read(request);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message == "Topics is null, which it may not be in this version");
}

TEST_CASE("a message that ends too early names the field") {
  MetadataRequest request;
  const auto refused = Reader(from_hex("00000001 0009 6162"), {1, false}).read(request);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.code() == Errc::malformed_frame);
  CHECK(refused.error().message == "Name ends too early");
}

TEST_CASE("a list that promises more entries than there are bytes takes no memory") {
  MetadataRequest request;
  const auto refused = Reader(from_hex("7fffffff"), {1, false}).read(request);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message == "Topics has more entries than the message has bytes");
}

TEST_CASE("entries that would be a large multiple of their bytes in memory are refused") {
  // Names of no bytes: three bytes a topic on the wire, many times that as entries.
  const std::size_t count = Reader::kEntryBytesMax / sizeof(CreateTopicsRequest::Topic) + 1;
  std::string bytes(4, '\0');
  store_be(bytes.data(), static_cast<std::int32_t>(count));
  bytes.append(count * 16, '\0');
  CreateTopicsRequest request;
  const auto refused = Reader(bytes, {2, false}).read(request);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message == "Topics has too many entries; send them in several requests");
}

TEST_CASE("records of a Kafka request are a view into its frame") {
  const std::string bytes = from_hex("ffff ffff 00001388 00000001 0001 74 00000001 00000003 00000004 deadbeef");
  ProduceRequest request;
  REQUIRE(Reader(bytes, {3, false}).read(request).ok());
  CHECK_FALSE(request.transactional_id);
  CHECK(request.acks == -1);
  CHECK(request.timeout_ms == 5000);
  const auto& partition = request.topics.at(0).partitions.at(0);
  CHECK(partition.index == 3);
  CHECK(partition.records.view().data() == bytes.data() + bytes.size() - 4);
  CHECK(written(request, {3, false}) == bytes);
}

TEST_CASE("records of a Kafka response are spliced in, not copied") {
  const std::string batch = "a batch", other = "another";
  FetchResponse response;
  auto& partition = response.topics.emplace_back().partitions.emplace_back();
  response.topics[0].topic = "t";
  partition.records.pieces = {{batch, nullptr}, {other, nullptr}};
  auto out = write_response(*find_api(1), 4, 7, response);
  REQUIRE(out.ok());
  REQUIRE(out->splices.size() == 1);
  CHECK(out->splices[0].pieces[0].bytes.data() == batch.data());
  const std::string whole = out->joined();
  CHECK(load_be<std::int32_t>(whole.data()) == static_cast<std::int32_t>(whole.size() - 4));
  CHECK(whole.ends_with(from_hex("0000000e") + batch + other));
}

TEST_CASE("a partition without news has empty records, not null ones") {
  FetchResponse response;
  response.topics.emplace_back().partitions.emplace_back();
  CHECK(written(response, {4, false}).ends_with(from_hex("00000000")));
}

TEST_CASE("tagged fields that have their default are not sent") {
  CreateTopicsResponse response;
  response.topics.emplace_back().name = "t";
  const std::string plain = written(response, {7, true});
  response.topics[0].topic_config_error_code = 29;
  const std::string tagged = written(response, {7, true});
  CHECK(tagged.size() == plain.size() + 4);
  CHECK(tagged.ends_with(from_hex("01 00 02 001d 00")));
}

TEST_CASE("the head of a Kafka request is read in the form its version has") {
  const std::string old_frame = from_hex("0003 0001 0000002a 0002 6d65 ffffffff");
  const auto old = read_request_head(old_frame);
  REQUIRE(old.ok());
  CHECK(old->correlation_id == 42);
  CHECK(old->client_id == "me");
  CHECK(old->message.size() == 4);
  const auto flexible = read_request_head(from_hex("0003 000c 0000002a ffff 01 05 01 aa 00"));
  REQUIRE(flexible.ok());
  CHECK_FALSE(flexible->client_id);
  CHECK(flexible->message.size() == 1);
}

TEST_CASE("a Kafka request that is not served is told apart from a broken one") {
  const auto future = read_request_head(from_hex("0012 0063 00000001 ffff"));
  REQUIRE(future.ok());
  CHECK(future->api == nullptr);
  CHECK(future->correlation_id == 1);
  CHECK(read_request_head(from_hex("0000 0002 00000001"))->api == nullptr);
  CHECK_FALSE(read_request_head(from_hex("0003 00")).ok());
  CHECK_FALSE(read_request_head(from_hex("0003 0001 0000002a 0009 6d65")).ok());
}

TEST_CASE("the answer to ApiVersions has a plain header in every version") {
  ApiVersionsResponse response;
  response.api_keys.push_back({18, 0, 4});
  const auto out = write_response(*find_api(18), 3, 5, response);
  REQUIRE(out.ok());
  CHECK(out->joined() == from_hex("00000013 00000005 0000 02 0012 0000 0004 00 00000000 00"));
}

TEST_CASE("text that is not UTF-8 is written as it is read") {
  const auto written = [](const std::string& name) {
    MetadataResponse response;
    response.topics.emplace_back().name = name;
    Written out;
    REQUIRE(Writer(out, {1, false}).write(response).ok());
    return out.bytes;
  };
  CHECK(written("caf\xe9") == written("caf\xef\xbf\xbd"));
  CHECK(written("caf\xc3\xa9") != written("caf\xef\xbf\xbd"));
}

TEST_CASE("a string that an old version has no room for is an error, not a torn message") {
  CreateTopicsResponse response;
  response.topics.emplace_back().name = std::string(40'000, 'n');
  Written out;
  const auto refused = Writer(out, {2, false}).write(response);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.code() == Errc::message_too_large);
  CHECK(Writer(out, {7, true}).write(response).ok());
}

TEST_CASE("Produce is advertised from 0 and served from 3") {
  const Api* produce = find_api(0);
  REQUIRE(produce);
  CHECK(produce->min_version == 0);
  CHECK_FALSE(produce->serves(2));
  CHECK(produce->serves(3));
  CHECK_FALSE(produce->serves(12));
}

}  // namespace logcask::kafka
