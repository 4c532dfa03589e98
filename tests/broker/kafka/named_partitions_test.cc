#include "broker/kafka/apis/named_partitions.h"

#include "proto/kafka/fetch.h"
#include "proto/kafka/list_offsets.h"
#include "tests/support/catch.h"

namespace logcask::testing {
namespace {

constexpr std::size_t kPartitions = 1000;

TEST_CASE("each partition of a request is charged the name of its topic", "[kafka]") {
  const std::string name(30'000, 'n');
  kafka::ListOffsetsRequest request;
  auto& topic = request.topics.emplace_back();
  topic.name = name;
  topic.partitions.resize(kPartitions);
  CHECK(named_bytes(request) >= kPartitions * name.size());
  CHECK(named_bytes(request) < kPartitions * (name.size() + 100));
  topic.name = "n";
  CHECK(named_bytes(request) < kPartitions * 100);
}

TEST_CASE("an id is charged as the longest name that it may stand for", "[kafka]") {
  kafka::FetchRequest request;
  auto& topic = request.topics.emplace_back();
  topic.partitions.resize(kPartitions);
  CHECK(named_bytes(request) < kPartitions * 100);
  topic.topic_id.bytes[0] = 1;
  CHECK(named_bytes(request) >= kPartitions * kTopicNameBytesMax);
}

}  // namespace
}  // namespace logcask::testing
