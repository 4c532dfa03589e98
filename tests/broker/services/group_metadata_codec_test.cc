// Group records of __consumer_offsets, byte for byte as Kafka writes them.
#include "broker/services/group_metadata_codec.h"

#include "base/random.h"
#include "tests/support/catch.h"
#include "tests/support/seed.h"

namespace logcask {
namespace {

GroupMetadataValue sample_group() {
  GroupMetadataValue value;
  value.protocol_type = "consumer";
  value.generation = GroupGeneration(7);
  value.protocol = "range";
  value.leader = MemberId("c-1");
  value.since = TimestampMs(1000);
  value.members.push_back({MemberId("c-1"), {}, "c", "/h", 300'000, 45'000, "sub", "as"});
  value.members.push_back({MemberId("i-2"), GroupInstanceId("i"), "c", "/h", 60'000, 10'000, "", ""});
  return value;
}

TEST_CASE("a group is stored as Kafka stores it") {
  // Kafka 3.x and 4.x: GroupMetadataKey v2 {"g"}, GroupMetadataValue v3.
  CHECK(encode_group_metadata_key("g") == std::string("\0\2\0\1g", 5));
  const std::string expected =
      std::string(
          "\0\3\0\x8"
          "consumer\0\0\0\7\0\5range\0\3c-1\0\0\0\0\0\0\3\xe8\0\0\0\2",
          40) +
      std::string("\0\3c-1\xff\xff\0\1c\0\2/h\0\4\x93\xe0\0\0\xaf\xc8\0\0\0\3sub\0\0\0\2as", 35) +
      std::string("\0\3i-2\0\1i\0\1c\0\2/h\0\0\xea\x60\0\0\x27\x10\0\0\0\0\0\0\0\0", 31);
  CHECK(encode_group_metadata_value(sample_group()) == expected);
  const auto decoded = decode_group_metadata_value(expected);
  REQUIRE_OK(decoded);
  CHECK(*decoded == sample_group());
  for (std::size_t size = 0; size < expected.size(); ++size)
    CHECK(decode_group_metadata_value(expected.substr(0, size)).code() == Errc::corrupt_message);
  CHECK(decode_group_metadata_value(expected + "x").code() == Errc::corrupt_message);
}

TEST_CASE("texts of a stored group that are not UTF-8 are read with replacement characters, bytes as they are") {
  GroupMetadataValue value = sample_group();
  value.protocol_type = value.members[0].client_id = value.members[0].client_host = "\xe9";
  value.protocol = "\xe9";
  value.leader = value.members[0].member_id = MemberId("\xe9-1");
  value.members[1].instance_id = GroupInstanceId("\xe9");
  value.members[1].subscription = value.members[1].assignment = "\xe9";
  const auto decoded = decode_group_metadata_value(encode_group_metadata_value(value));
  REQUIRE_OK(decoded);
  const std::string replaced = "\xef\xbf\xbd";
  value.protocol_type = value.members[0].client_id = value.members[0].client_host = replaced;
  value.protocol = replaced;
  value.leader = value.members[0].member_id = MemberId(replaced + "-1");
  value.members[1].instance_id = GroupInstanceId(replaced);
  CHECK(*decoded == value);
}

TEST_CASE("an empty group has no protocol and no leader, which is not the empty text") {
  GroupMetadataValue value;
  value.protocol_type = "consumer";
  value.generation = GroupGeneration(8);
  value.since = TimestampMs(1);
  const std::string expected(
      "\0\3\0\x8"
      "consumer\0\0\0\x8\xff\xff\xff\xff\0\0\0\0\0\0\0\1\0\0\0\0",
      32);
  CHECK(encode_group_metadata_value(value) == expected);
  const auto decoded = decode_group_metadata_value(expected);
  REQUIRE_OK(decoded);
  CHECK(*decoded == value);
}

TEST_CASE("older values of groups are read") {
  // Version 0: neither time nor instance id nor rebalance timeout.
  const std::string v0 = std::string(
                             "\0\0\0\x8"
                             "consumer\0\0\0\7\0\5range\0\3c-1\0\0\0\1",
                             32) +
                         std::string("\0\3c-1\0\1c\0\2/h\0\0\xaf\xc8\0\0\0\3sub\0\0\0\2as", 29);
  const auto decoded = decode_group_metadata_value(v0);
  REQUIRE_OK(decoded);
  CHECK(decoded->since == TimestampMs(-1));
  REQUIRE(decoded->members.size() == 1);
  CHECK(decoded->members[0] == StoredGroupMember{MemberId("c-1"), {}, "c", "/h", 45'000, 45'000, "sub", "as"});
  CHECK(decode_group_metadata_value(std::string("\0\4", 2)).code() == Errc::corrupt_message);
}

TEST_CASE("keys of committed offsets are not those of groups") {
  const auto group = decode_group_metadata_key(std::string("\0\2\0\1g", 5));
  REQUIRE_OK(group);
  CHECK(*group == std::optional<std::string>("g"));
  const auto offset = decode_group_metadata_key(std::string("\0\1\0\1g\0\1t\0\0\0\3", 12));
  REQUIRE_OK(offset);
  CHECK_FALSE(offset->has_value());
  CHECK(decode_group_metadata_key("").code() == Errc::corrupt_message);
  CHECK(decode_group_metadata_key(std::string("\0\2\0\2g", 5)).code() == Errc::corrupt_message);
}

TEST_CASE("invented bytes are no group, whatever lengths they speak of") {
  const std::uint64_t seed = testing::test_seed();
  INFO("seed " << seed);
  Random random(seed);
  const std::string good = encode_group_metadata_value(sample_group());
  for (int i = 0; i < 2000; ++i) {
    std::string bad = good;
    for (int changes = 0; changes < 3; ++changes) bad[random.below(bad.size())] = static_cast<char>(random.next());
    const auto decoded = decode_group_metadata_value(bad);
    if (decoded.ok()) CHECK(decoded->members.size() <= 2);
  }
}

}  // namespace
}  // namespace logcask
