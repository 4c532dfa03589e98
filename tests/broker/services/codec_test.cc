// The broker's own encodings: resume tokens, committed offsets, topic names.
#include "base/random.h"
#include "broker/services/offset_commit_codec.h"
#include "broker/services/replay_token.h"
#include "broker/topics/topic_name.h"
#include "tests/support/catch.h"
#include "tests/support/seed.h"

namespace logcask {
namespace {

ReplayToken sample_token() {
  ReplayToken token;
  token.topic_id.bytes[3] = 7;
  token.live_only = false;
  token.partitions.push_back(
      {PartitionId(0), ReplayPhase::walk, Offset(5), LeaderEpoch(2), Offset(90), Offset(0), Offset(3)});
  token.partitions.push_back(
      {PartitionId(4), ReplayPhase::tail, Offset(95), LeaderEpoch(1), Offset(90), Offset(93), Offset(0)});
  return token;
}

TEST_CASE("a resume token survives the trip") {
  const auto decoded = decode_replay_token(encode_replay_token(sample_token()));
  REQUIRE_OK(decoded);
  CHECK(*decoded == sample_token());
}

TEST_CASE("a damaged, cut or invented resume token is refused as stale") {
  const std::string good = encode_replay_token(sample_token());
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 0x20);
    CHECK(decode_replay_token(bad).code() == Errc::stale_token);
    CHECK(decode_replay_token(good.substr(0, i)).code() == Errc::stale_token);
  }
  Random random(testing::test_seed());
  for (int i = 0; i < 1000; ++i) {
    std::string noise(random.below(200), '\0');
    for (char& c : noise) c = static_cast<char>(random.next());
    CHECK(!decode_replay_token(noise).ok());
  }
}

TEST_CASE("a committed offset is stored as Kafka stores it") {
  // Kafka 3.x: OffsetCommitKey v1 {"g", "t", 3}, OffsetCommitValue v3 {42, 7, "m", 1000}.
  const OffsetCommitKey key{"g", "t", PartitionId(3)};
  CHECK(encode_offset_commit_key(key) == std::string("\0\1\0\1g\0\1t\0\0\0\3", 12));
  const OffsetCommitValue value{Offset(42), LeaderEpoch(7), "m", TimestampMs(1000)};
  CHECK(encode_offset_commit_value(value) == std::string("\0\3\0\0\0\0\0\0\0\x2a\0\0\0\7\0\1m\0\0\0\0\0\0\3\xe8", 25));
  const auto decoded_key = decode_offset_commit_key(encode_offset_commit_key(key));
  REQUIRE_OK(decoded_key);
  CHECK(**decoded_key == key);
  const auto decoded_value = decode_offset_commit_value(encode_offset_commit_value(value));
  REQUIRE_OK(decoded_value);
  CHECK(*decoded_value == value);
}

TEST_CASE("older values of committed offsets are read, group metadata keys are stepped over") {
  const auto v1 =
      decode_offset_commit_value(std::string("\0\1\0\0\0\0\0\0\0\x2a\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2", 28));
  REQUIRE_OK(v1);
  CHECK(v1->offset == Offset(42));
  CHECK(v1->commit_timestamp == TimestampMs(1));
  const auto group = decode_offset_commit_key(std::string("\0\2\0\1g", 5));
  REQUIRE_OK(group);
  CHECK(!group->has_value());
  CHECK(!decode_offset_commit_key("").ok());
  CHECK(!decode_offset_commit_key(std::string("\0\1\0\1g", 5)).ok());
  CHECK(!decode_offset_commit_value(std::string("\0\4", 2)).ok());
}

TEST_CASE("topic names are letters, digits, dot, underscore and dash, at most 200 of them") {
  for (const char* good : {"a", "orders-v2_x.y", "A", "..."}) CHECK(check_topic_name(good).ok());
  CHECK(check_topic_name(std::string(200, 'x')).ok());
  for (const std::string& bad :
       {std::string(), std::string("."), std::string(".."), std::string(201, 'x'), std::string("a/b"),
        std::string("a b"), std::string("\xc3\xa4"), std::string("a\0b", 3)})
    CHECK(check_topic_name(bad).code() == Errc::invalid_topic_name);
  CHECK(fold_topic_name("Orders") == fold_topic_name("oRDERS"));
}

}  // namespace
}  // namespace logcask
