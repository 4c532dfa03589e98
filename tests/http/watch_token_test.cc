#include "broker/http/resources/watch_token.h"

#include "tests/support/catch.h"

namespace logcask {
namespace {

WatchToken some_token() {
  WatchToken token;
  token.topic_id.bytes.fill(7);
  const std::vector<std::string> keys{"a", "b", ""};
  token.keys_digest = WatchToken::digest(keys);
  token.last_seen.assign(keys.size(), kNoOffset);
  return token;
}

LookupResult event(std::uint32_t key, std::int32_t partition, std::int64_t offset) {
  LookupResult result;
  result.key_index = key;
  result.partition = PartitionId(partition);
  result.offset = Offset(offset);
  return result;
}

}  // namespace

TEST_CASE("a watch's token reads back what was seen") {
  WatchToken token = some_token();
  token.seen(event(1, 3, 20));
  token.seen(event(0, 3, 10));
  token.seen(event(2, 1, (std::int64_t{1} << 47)));
  token.seen(PartitionId(3), RunId(99));
  token.seen(event(0, -1, -1));  // absent: nothing was seen
  const auto read = decode_watch_token(encode_watch_token(token));
  REQUIRE(read.ok());
  CHECK(read->topic_id == token.topic_id);
  CHECK(read->keys_digest == token.keys_digest);
  CHECK(read->last_seen == std::vector{Offset(10), Offset(20), Offset(std::int64_t{1} << 47)});
  REQUIRE(read->positions.size() == 2);
  CHECK(read->positions[0].partition == PartitionId(3));
  CHECK(read->positions[0].offset == Offset(21));  // one past the highest, whatever came last
  CHECK(read->positions[0].run == RunId(99));
  CHECK(read->positions[1].offset == Offset((std::int64_t{1} << 47) + 1));
}

TEST_CASE("keys that read alike together have other digests") {
  CHECK(WatchToken::digest(std::vector<std::string>{"ab", "c"}) !=
        WatchToken::digest(std::vector<std::string>{"a", "bc"}));
  CHECK(WatchToken::digest(std::vector<std::string>{"a", "b"}) !=
        WatchToken::digest(std::vector<std::string>{"b", "a"}));
}

TEST_CASE("a watch's token with any byte changed or missing is none") {
  const std::string text = encode_watch_token(some_token());
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::string changed = text;
    changed[at] = changed[at] == 'A' ? 'B' : 'A';
    CAPTURE(at);
    CHECK(decode_watch_token(changed).code() == Errc::stale_token);
    CHECK(decode_watch_token(text.substr(0, at)).code() == Errc::stale_token);
  }
  CHECK(decode_watch_token(text + "A").code() == Errc::stale_token);
  CHECK(decode_watch_token("no token!").code() == Errc::stale_token);
}

}  // namespace logcask
