#include "cli/parse_values.h"

#include "tests/support/catch.h"

using namespace logcask;
using namespace logcask::cli;

TEST_CASE("a place to start is earliest, latest, an offset, milliseconds or a time") {
  using Kind = client::StartAt::Kind;
  CHECK(parse_start("earliest")->kind == Kind::earliest);
  CHECK(parse_start("latest")->kind == Kind::latest);
  CHECK(parse_start("42")->kind == Kind::offset);
  CHECK(parse_start("42")->at_offset == Offset(42));
  CHECK(parse_start("@1700000000000")->at_timestamp == TimestampMs(1700000000000));
  CHECK(parse_start("2024-02-29T12:34:56Z")->at_timestamp == TimestampMs(1709210096000));
  for (const char* bad : {"", "first", "-1", "@", "@x", "1x", "99999999999999999999"}) CHECK(!parse_start(bad).ok());
}

TEST_CASE("a condition is absent, exists or offset:N") {
  using Kind = client::Condition::Kind;
  CHECK(parse_condition("absent")->kind == Kind::absent);
  CHECK(parse_condition("exists")->kind == Kind::exists);
  CHECK(parse_condition("offset:7")->kind == Kind::offset);
  CHECK(parse_condition("offset:7")->offset == Offset(7));
  for (const char* bad : {"", "offset", "offset:", "offset:-1", "missing"}) CHECK(!parse_condition(bad).ok());
}

TEST_CASE("a least offset names its partition") {
  CHECK(parse_min_offset("3:14")->partition == PartitionId(3));
  CHECK(parse_min_offset("3:14")->offset == Offset(14));
  for (const char* bad : {"", "3", "3:", ":3", "a:1", "4294967296:1"}) CHECK(!parse_min_offset(bad).ok());
}

TEST_CASE("a key separator may be anything but what lines and escapes are made of") {
  CHECK(*parse_key_separator("\\t") == "\t");
  CHECK(*parse_key_separator("::") == "::");
  CHECK(*parse_key_separator("\\x00") == std::string(1, '\0'));
  for (const char* bad : {"", "\\", "\\\\", "\\n", "\\r", "a\nb", "\\q"})
    CHECK(parse_key_separator(bad).code() == Errc::invalid_argument);
}

TEST_CASE("a key that is named twice is watched once, in its first place") {
  CHECK(each_once({"b", "a", "b", "", "a", ""}) == std::vector<std::string>{"b", "a", ""});
  CHECK(each_once({}).empty());
}
