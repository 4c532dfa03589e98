// What members tell each other, as Kafka's clients wrote it: the bytes are those of golden/*.hex.
#include "proto/kafka/consumer_protocol.h"

#include <string>

#include "tests/support/catch.h"

namespace logcask::kafka {
namespace {

std::string bytes_of_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return bytes;
}

// confluent-kafka 1.7.0, kcat 1.7.1: JoinGroup's metadata and SyncGroup's assignment.
const char* const kLibrdkafkaSubscription = "00010000000100036669670000000000000000";
const char* const kLibrdkafkaAssignment = "00000000000100056d656c6f6e000000040000000000000001000000020000000300000000";
// kafka-python 2.0.2.
const char* const kPythonSubscription = "0000000000010008706561722d312e3000000000";
// kafka-clients 4.4.0; a subscription of version 3, with a generation and a rack that we do not know.
const char* const kJavaSubscription = "000300000001000b706c756d2d6e6577657374ffffffff00000000ffffffffffff";
const char* const kJavaAssignment = "000300000001000b706c756d2d6e6577657374000000020000000000000001ffffffff";

}  // namespace

TEST_CASE("a subscription and an assignment have the bytes that librdkafka gives them", "[proto][kafka]") {
  ConsumerSubscription subscription;
  subscription.topics = {"fig"};
  CHECK(encode_subscription(subscription).value() == bytes_of_hex(kLibrdkafkaSubscription));
  ConsumerAssignment assignment;
  assignment.assigned_partitions = {{"melon", {0, 1, 2, 3}}};
  CHECK(encode_assignment(assignment).value() == bytes_of_hex(kLibrdkafkaAssignment));
}

TEST_CASE("a Kafka client's subscription is read, in a newer version too", "[proto][kafka]") {
  CHECK(decode_subscription(bytes_of_hex(kLibrdkafkaSubscription))->topics == std::vector<std::string>{"fig"});
  CHECK(decode_subscription(bytes_of_hex(kPythonSubscription))->topics == std::vector<std::string>{"pear-1.0"});
  const auto java = decode_subscription(bytes_of_hex(kJavaSubscription));
  REQUIRE_OK(java);
  CHECK(java->topics == std::vector<std::string>{"plum-newest"});
  CHECK_FALSE(java->user_data);
  CHECK(java->owned_partitions.empty());
}

TEST_CASE("a Kafka client's assignment is read, and none is nothing to read", "[proto][kafka]") {
  const auto java = decode_assignment(bytes_of_hex(kJavaAssignment));
  REQUIRE_OK(java);
  CHECK(java->assigned_partitions == std::vector<TopicPartitions>{{"plum-newest", {0, 1}}});
  CHECK(decode_assignment(bytes_of_hex(kLibrdkafkaAssignment))->assigned_partitions ==
        std::vector<TopicPartitions>{{"melon", {0, 1, 2, 3}}});
  CHECK(decode_assignment({})->assigned_partitions.empty());
}

TEST_CASE("what is no subscription is refused by its field", "[proto][kafka]") {
  for (const char* const bad :
       {"", "00", "ffff00000000", "000000000002000361", "0001000000010003666967000000007fffffff"})
    CHECK(decode_subscription(bytes_of_hex(bad)).code() == Errc::malformed_frame);
  CHECK(decode_subscription(bytes_of_hex("000000000001000361")).error().message.find("Topics") != std::string::npos);
}

}  // namespace logcask::kafka
