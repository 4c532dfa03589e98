// The broker's own encodings: resume tokens, committed offsets, topic names.
#include "base/coding.h"
#include "base/crc32c.h"
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
  token.partitions.push_back({PartitionId(0), ReplayPhase::walk, Offset(5), LeaderEpoch(2), Offset(90), Offset(0),
                              Offset(3), RunId(0xabcdef0123456789)});
  token.partitions.push_back(
      {PartitionId(4), ReplayPhase::tail, Offset(95), LeaderEpoch(1), Offset(90), Offset(93), Offset(0), kNoRun});
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

TEST_CASE("a resume token of an older broker is taken, and tells no run") {
  const std::string now = encode_replay_token(sample_token());
  // Version 1 had no runs.
  constexpr std::size_t kHead = 1 + 1 + 16 + 4, kPartition = 4 + 1 + 8 + 4 + 8 + 8 + 8;
  std::string old = now.substr(0, kHead);
  old[0] = 1;
  for (std::size_t i = 0; i < 2; ++i) old += now.substr(kHead + i * (kPartition + 8), kPartition);
  ByteWriter(old).fixed(crc32c(old));
  ReplayToken expected = sample_token();
  for (ReplayPosition& position : expected.partitions) position.run = kNoRun;
  const auto decoded = decode_replay_token(old);
  REQUIRE_OK(decoded);
  CHECK(*decoded == expected);
}

TEST_CASE("a committed offset names its topic and run in fields that Kafka knows or steps over") {
  OffsetCommitValue value{Offset(42), LeaderEpoch(7), "m", TimestampMs(1000), {}, kNoRun};
  value.topic_id.emplace().bytes.fill(0x11);
  value.run = RunId(0x0102030405060708);
  // Kafka 4: version 4, compact string, tag 0 of 16 bytes; then ours, tag 0x4c43 of 8 bytes.
  std::string expected("\0\4\0\0\0\0\0\0\0\x2a\0\0\0\7\2m\0\0\0\0\0\0\3\xe8\2\0\x10", 27);
  expected += std::string(16, '\x11') + "\xc3\x98\1\x8" + "\1\2\3\4\5\6\7\x8";
  CHECK(encode_offset_commit_value(value) == expected);
  const auto decoded = decode_offset_commit_value(expected);
  REQUIRE_OK(decoded);
  CHECK(*decoded == value);
  for (std::size_t size = 0; size < expected.size(); ++size)
    CHECK_FALSE(decode_offset_commit_value(expected.substr(0, size)).ok());
  // Somebody else's tags are stepped over.
  std::string foreign("\0\4\0\0\0\0\0\0\0\x2a\0\0\0\7\2m\0\0\0\0\0\0\3\xe8\1\5\3abc", 30);
  CHECK(decode_offset_commit_value(foreign).ok());
}

TEST_CASE("a committed offset is stored as Kafka stores it") {
  // Kafka 3.x: OffsetCommitKey v1 {"g", "t", 3}, OffsetCommitValue v3 {42, 7, "m", 1000}.
  const OffsetCommitKey key{"g", "t", PartitionId(3)};
  CHECK(encode_offset_commit_key(key) == std::string("\0\1\0\1g\0\1t\0\0\0\3", 12));
  const OffsetCommitValue value{Offset(42), LeaderEpoch(7), "m", TimestampMs(1000), {}, kNoRun};
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
  CHECK(!decode_offset_commit_value(std::string("\0\5", 2)).ok());
}

TEST_CASE("topic names are letters, digits, dot, underscore and dash, at most 200 of them") {
  for (const char* good : {"a", "orders-v2_x.y", "A", "..."}) CHECK(check_topic_name(good).ok());
  CHECK(check_topic_name(std::string(200, 'x')).ok());
  for (const std::string& bad :
       {std::string(), std::string("."), std::string(".."), std::string(201, 'x'), std::string("a/b"),
        std::string("a b"), std::string("\xc3\xa4"), std::string("a\0b", 3)})
    CHECK(check_topic_name(bad).code() == Errc::invalid_topic_name);
  CHECK(fold_topic_name("Orders") == fold_topic_name("oRDERS"));
  CHECK(fold_topic_name("a.b_c") == fold_topic_name("a_b.c"));
  CHECK(fold_topic_name("a-b") != fold_topic_name("a_b"));
}

}  // namespace
}  // namespace logcask
