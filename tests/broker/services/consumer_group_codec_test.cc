// Records of groups whose partitions the broker shares out, as bytes. Kafka 4.4's DumpLogSegments --offsets-decoder
// reads each of them as what stands beside it.
#include "broker/services/consumer_group_codec.h"

#include "tests/support/catch.h"

namespace logcask {
namespace {

std::string bytes_of(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return bytes;
}

// The topic of id 01 00 ... 00.
TopicId a_topic() {
  TopicId id;
  id.bytes[0] = 1;
  return id;
}

const std::string kTopicHex = "01000000000000000000000000000000";
const std::vector<std::pair<std::string, std::string>>& records() {
  static const std::vector<std::pair<std::string, std::string>> all = {
      // 5: instance i, rack r, client c, host /h, topics [t], regex u.*, rebalance timeout 30000, assignor range
      {"0005"
       "0001"
       "67"
       "0001"
       "6d",
       "0000"
       "0269"
       "0272"
       "0263"
       "032f68"
       "020274"
       "04752e2a"
       "00007530"
       "0672616e6765"
       "00"},
      // 8: epoch 2 after 1, unrevoked, assigned [0] since 1, to be revoked [1] since 1
      {"0008"
       "0001"
       "67"
       "0001"
       "6d",
       "0000"
       "00000002"
       "00000001"
       "01"
       "02" +
           kTopicHex +
           "02"
           "00000000"
           "01"
           "00"
           "05"
           "02"
           "00000001"
           "02" +
           kTopicHex +
           "02"
           "00000001"
           "01"
           "00"
           "05"
           "02"
           "00000001"
           "00"},
      // 7: [0]
      {"0007"
       "0001"
       "67"
       "0001"
       "6d",
       "0000"
       "02" +
           kTopicHex +
           "02"
           "00000000"
           "00"
           "00"},
      // 3: epoch 3, hash 5
      {"0003"
       "0001"
       "67",
       "0000"
       "00000003"
       "01"
       "00"
       "08"
       "0000000000000005"},
      // 6: epoch 3
      {"0006"
       "0001"
       "67",
       "0000"
       "00000003"
       "00"},
  };
  return all;
}

ConsumerGroup a_group() {
  ConsumerGroup::Stored stored;
  stored.epoch = stored.target_epoch = GroupEpoch(3);
  stored.topics_hash = 5;
  ConsumerMember& member = stored.members[MemberId("m")];
  member.instance_id = GroupInstanceId("i");
  member.rack_id = "r";
  member.client_id = "c";
  member.client_host = "/h";
  member.topics = {"t"};
  member.topic_regex = "u.*";
  member.rebalance_timeout_ms = 30'000;
  member.assignor = "range";
  member.epoch = GroupEpoch(2);
  member.previous_epoch = GroupEpoch(1);
  member.state = ConsumerMemberState::unrevoked_partitions;
  member.assigned[a_topic()] = {PartitionId(0)};
  member.pending_revocation[a_topic()] = {PartitionId(1)};
  member.had_since[a_topic()] = {{PartitionId(0), GroupEpoch(1)}, {PartitionId(1), GroupEpoch(1)}};
  stored.targets[MemberId("m")][a_topic()] = {PartitionId(0)};
  return ConsumerGroup("g", std::move(stored));
}

TEST_CASE("records of a consumer group have Kafka's bytes", "[consumer_group]") {
  const auto written = changed_records(ConsumerGroup("g"), a_group());
  REQUIRE(written.size() == records().size());
  for (std::size_t i = 0; i < written.size(); ++i) {
    INFO(records()[i].first);
    CHECK(written[i].key == bytes_of(records()[i].first));
    REQUIRE(written[i].value);
    CHECK(*written[i].value == bytes_of(records()[i].second));
  }
}

TEST_CASE("records of a consumer group are read back and deletions take away what they name", "[consumer_group]") {
  std::map<std::string, ConsumerGroup::Stored> groups;
  for (const auto& [key, value] : records()) {
    const std::string bytes = bytes_of(value);
    REQUIRE(*take_consumer_group_record(bytes_of(key), ByteView(bytes), groups));
  }
  const ConsumerGroup read("g", groups.at("g"));
  CHECK(changed_records(a_group(), read).empty());
  CHECK(changed_records(read, a_group()).empty());
  const ConsumerGroup none("g");
  for (const InternalRecord& record : changed_records(a_group(), none))
    REQUIRE_OK(take_consumer_group_record(
        record.key, record.value ? std::optional<ByteView>(*record.value) : std::nullopt, groups));
  CHECK(groups.at("g").members.empty());
  CHECK(groups.at("g").targets.empty());
  for (const InternalRecord& record : deleted_records(none))
    REQUIRE_OK(take_consumer_group_record(record.key, std::nullopt, groups));
  CHECK(groups.empty());
}

TEST_CASE("what is no record of a consumer group is left to others or refused", "[consumer_group]") {
  std::map<std::string, ConsumerGroup::Stored> groups;
  const auto take = [&](std::string_view key, std::string_view value) {
    const std::string bytes = bytes_of(value);
    return take_consumer_group_record(bytes_of(key), ByteView(bytes), groups);
  };
  for (const char* others : {"00020001"
                             "67",
                             "0001",
                             "00040001"
                             "67",
                             "00100001"
                             "67"
                             "0001"
                             "61",
                             ""})
    CHECK_FALSE(*take(others, "0000"));
  CHECK(take("0003"
             "0001",
             "0000")
            .code() == Errc::corrupt_message);
  CHECK(take("0003"
             "0001"
             "67"
             "00",
             "0000")
            .code() == Errc::corrupt_message);
  for (const auto& [key, value] : records())
    for (std::size_t size = 0; size < value.size() - 2; size += 2)
      CHECK(take(key, value.substr(0, size)).code() == Errc::corrupt_message);
  CHECK(take("0003"
             "0001"
             "67",
             "0001"
             "00000003"
             "00")
            .code() == Errc::corrupt_message);
}

}  // namespace
}  // namespace logcask
