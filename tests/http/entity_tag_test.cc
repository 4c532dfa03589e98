#include "broker/http/entity_tag.h"

#include "tests/support/catch.h"

namespace logcask {
namespace {

EntityTag tag_of(std::int64_t offset, char form = EntityTag::kJson) {
  EntityTag tag{{}, PartitionId(3), Offset(offset), form};
  tag.topic_id.bytes.fill(0xab);
  return tag;
}

}  // namespace

TEST_CASE("an entity tag reads back as itself") {
  const auto list = parse_tag_list(tag_of(12).to_string());
  REQUIRE(list.ok());
  REQUIRE(list->tags.size() == 1);
  CHECK(list->tags.front() == tag_of(12));
  CHECK_FALSE(list->any);
}

TEST_CASE("two forms of a record are two tags of one record") {
  CHECK_FALSE(tag_of(1) == tag_of(1, EntityTag::kOctets));
  CHECK(tag_of(1).same_record(tag_of(1, EntityTag::kOctets)));
  CHECK_FALSE(tag_of(1).same_record(tag_of(2)));
}

TEST_CASE("a list of tags holds ours and counts the others") {
  const auto list = parse_tag_list(" \"x, y\" , W/" + tag_of(1).to_string() + "," + tag_of(2).to_string() + "\t");
  REQUIRE(list.ok());
  CHECK(list->tags == std::vector{tag_of(1), tag_of(2)});
  CHECK(list->foreign == 1);
  CHECK(parse_tag_list(" * ").ok() == false);
  CHECK(parse_tag_list("*")->any);
}

TEST_CASE("what is no list of tags is refused") {
  for (const std::string text : {"", " ", "x", "\"x", "\"x\" \"y\"", "\"x\",*", ",", "W/", "\"x\" y"}) {
    CAPTURE(text);
    CHECK(parse_tag_list(text).code() == Errc::invalid_argument);
  }
}

TEST_CASE("a tag with a number that is none is of somebody else") {
  const std::string id(32, 'a');
  for (const std::string& text :
       std::vector<std::string>{id, id + "-1-2", id + "-1-2-", id + "-1-2-jj", id + "--1-2-j", id + "-1-x-j",
                                id + "-99999999999-1-j", "-1-2-j", std::string(32, 'g') + "-1-2-j"}) {
    CAPTURE(text);
    const auto list = parse_tag_list('"' + text + '"');
    REQUIRE(list.ok());
    CHECK(list->tags.empty());
    CHECK(list->foreign == 1);
  }
}

}  // namespace logcask
