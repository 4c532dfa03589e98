// Messages as others sent them: golden/README.md.
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "proto/kafka/frame.h"
#include "tests/proto/kafka/messages.h"
#include "tests/support/catch.h"

namespace logcask::kafka {
namespace {

struct Capture {
  std::string file;
  bool request = false;
  const Api* api = nullptr;
  std::int16_t version = 0;
  std::string content;  // what the frame's length covers

  std::string title() const {
    return file + ": " + (request ? "request " : "response ") + std::string(api->name) + " " + std::to_string(version);
  }
};

const Api* row_named(std::string_view name) {
  for (const Api& api : apis())
    if (api.name == name) return &api;
  return nullptr;
}

std::vector<Capture> captures() {
  std::vector<Capture> found;
  for (const auto& entry : std::filesystem::directory_iterator(LOGCASK_KAFKA_GOLDEN_DIR)) {
    if (entry.path().extension() != ".hex") continue;
    std::ifstream in(entry.path());
    std::string kind, name, hex;
    std::int16_t version = 0;
    while (in >> kind >> name >> version >> hex) {
      Capture& capture = found.emplace_back();
      capture.file = entry.path().filename().string();
      capture.request = kind == "request";
      capture.api = row_named(name);
      capture.version = version;
      INFO(capture.file << ": " << kind << " " << name);
      REQUIRE(capture.api);
      for (std::size_t i = 0; i < hex.size(); i += 2)
        capture.content += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
    }
  }
  return found;
}

// The message behind the header. A request that is served is cut by read_request_head(), the others by hand.
ByteView message_of(const Capture& capture) {
  const Layout layout = capture.api->layout(capture.version);
  ByteReader in(capture.content);
  if (!capture.request) {
    in.fixed<std::int32_t>();
    if (layout.flexible && capture.api->key != ApiKey::api_versions) REQUIRE(in.fixed<std::uint8_t>() == 0);
    return ByteView(capture.content).substr(in.position());
  }
  REQUIRE(in.fixed<std::int16_t>() == static_cast<std::int16_t>(capture.api->key));
  REQUIRE(in.fixed<std::int16_t>() == capture.version);
  in.fixed<std::int32_t>();
  const auto client_id_bytes = in.fixed<std::int16_t>();
  in.bytes(static_cast<std::size_t>(std::max<std::int16_t>(client_id_bytes, 0)));
  if (layout.flexible) REQUIRE(in.fixed<std::uint8_t>() == 0);
  REQUIRE(in.ok());
  const ByteView message = ByteView(capture.content).substr(in.position());
  const auto head = read_request_head(capture.content);
  REQUIRE(head.ok());
  if (head->api) CHECK(head->message == message);
  return message;
}

// Where the broker sends tagged fields that we do not describe, what we write is shorter.
bool has_foreign_tags(const Capture& capture) {
  return !capture.request && capture.api->key == ApiKey::api_versions && capture.version >= 3;
}

template <class Message>
void check_capture(const Capture& capture) {
  const ByteView bytes = message_of(capture);
  const Layout layout = capture.api->layout(capture.version);
  Message message;
  Reader reader(bytes, layout);
  const Status read = reader.read(message);
  INFO((read.ok() ? "" : read.error().message));
  REQUIRE(read.ok());
  CHECK(reader.rest().empty());
  Written out;
  REQUIRE(Writer(out, layout).write(message).ok());
  if (!has_foreign_tags(capture)) CHECK((out.joined() == bytes));
}

// The first one of this api and version in `file`, read.
template <class Message>
Message captured(const std::vector<Capture>& all, std::string_view file, ApiKey key, std::int16_t version,
                 bool request) {
  for (const Capture& capture : all) {
    if (capture.file != file || capture.api->key != key || capture.version != version || capture.request != request)
      continue;
    Message message;
    REQUIRE(Reader(message_of(capture), capture.api->layout(version)).read(message).ok());
    return message;
  }
  FAIL("no capture of api " << static_cast<int>(key) << " " << version << " in " << file);
  return {};
}

}  // namespace

TEST_CASE("what Kafka's clients and broker sent is read to the last byte and written as it was") {
  std::map<ApiKey, int> requests, responses;
  for (const Capture& capture : captures()) {
    INFO(capture.title());
    ++(capture.request ? requests : responses)[capture.api->key];
    if (capture.request)
      each_request([&]<class Message>(ApiKey key, const Message&) {
        if (key == capture.api->key) check_capture<Message>(capture);
      });
    else
      each_response([&]<class Message>(ApiKey key, const Message&) {
        if (key == capture.api->key) check_capture<Message>(capture);
      });
  }
  // One of each at least.
  for (const Api& api : apis()) {
    INFO(api.name);
    CHECK(requests[api.key] > 0);
    CHECK(responses[api.key] > 0);
  }
}

TEST_CASE("what clients fetch by a topic's id is answered by its id, and without a name") {
  const std::vector<Capture> all = captures();
  for (const std::int16_t version : {13, 15, 16, 17}) {
    INFO(version);
    const std::string_view file = version == 16 ? "confluent-kafka-2.16.1.hex" : "kafka-clients-4.4.0.hex";
    const auto request = captured<FetchRequest>(all, file, ApiKey::fetch, version, true);
    REQUIRE(request.topics.size() == 1);
    CHECK(request.topics[0].topic.empty());
    CHECK(request.topics[0].topic_id != TopicId());
    CHECK(request.topics[0].partitions.at(0).partition_max_bytes == 1 << 20);
    CHECK(request.replica_id == -1);
    CHECK(request.replica_state.replica_id == -1);
    const auto response = captured<FetchResponse>(all, file, ApiKey::fetch, version, false);
    REQUIRE(response.topics.size() == 1);
    CHECK(response.topics[0].topic.empty());
    CHECK(response.topics[0].topic_id == request.topics[0].topic_id);
    std::size_t bytes = 0;
    for (const auto& partition : response.topics[0].partitions) bytes += partition.records.bytes();
    CHECK(bytes > 60);
    CHECK(response.node_endpoints.empty());
  }
}

TEST_CASE("what a Java consumer says to its coordinator stands in the fields it belongs to") {
  const std::vector<Capture> all = captures();
  const std::string_view file = "kafka-clients-4.4.0.hex";
  const auto join = captured<JoinGroupRequest>(all, file, ApiKey::join_group, 9, true);
  CHECK(join.group_id == "group-newest");
  CHECK(join.session_timeout_ms == 45'000);
  CHECK(join.rebalance_timeout_ms == 300'000);
  CHECK_FALSE(join.group_instance_id);
  CHECK(join.member_id.substr(0, 5) == "java-");
  REQUIRE(join.reason);
  CHECK(join.reason->substr(0, 31) == "need to re-join with the given ");
  CHECK(join.protocol_type == "consumer");
  REQUIRE(join.protocols.size() == 2);
  CHECK(join.protocols[0].name == "range");
  CHECK(join.protocols[1].name == "cooperative-sticky");
  const auto commit = captured<OffsetCommitRequest>(all, file, ApiKey::offset_commit, 9, true);
  CHECK(commit.group_instance_id == "static-1");
  REQUIRE(commit.topics.size() == 1);
  REQUIRE(commit.topics[0].partitions.size() == 1);
  CHECK(commit.topics[0].name == "plum-newest");
  CHECK(commit.topics[0].partitions[0].committed_offset == 1);
  CHECK(commit.topics[0].partitions[0].committed_leader_epoch == 0);
  CHECK(commit.topics[0].partitions[0].committed_metadata == "note");
  const auto offsets = captured<OffsetFetchResponse>(all, file, ApiKey::offset_fetch, 9, false);
  REQUIRE(offsets.groups.size() == 1);
  REQUIRE(offsets.groups[0].topics.size() == 1);
  CHECK(offsets.groups[0].topics[0].partitions.at(0).committed_offset == 1);
  CHECK(offsets.groups[0].topics[0].partitions.at(0).metadata == "note");
}

}  // namespace logcask::kafka
