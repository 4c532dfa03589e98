#include "cli/backup_directory.h"

#include <algorithm>

#include "base/crc32c.h"
#include "tests/support/catch.h"

namespace logcask::cli {
namespace {

BackupContents some_contents() {
  BackupContents contents;
  contents.cluster_id = "0123456789abcdef0123456789abcdef";
  contents.broker_version = "0.2.0";
  contents.taken = TimestampMs(1'700'000'000'000);
  contents.whole = true;
  BackupTopic topic;
  topic.name = "a.topic_of-mine";
  topic.id.bytes[0] = 7;
  topic.settings = {{"cleanup.policy", "compact"}, {"segment.bytes", "65536"}};
  topic.created = TimestampMs(12);
  topic.partitions = {{Offset(5), 77, 0xfedcba9876543210}, {Offset(0), 0, 1}};
  contents.topics.push_back(topic);
  return contents;
}

// The checksum made anew, so that what is refused is refused for what it says.
std::string with(std::string text, const std::string& from, const std::string& to) {
  text.resize(text.rfind("crc "));
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  text.replace(at, from.size(), to);
  char crc[16];
  std::snprintf(crc, sizeof crc, "crc %08x\n", crc32c(text));
  return text + crc;
}

}  // namespace

TEST_CASE("a backup's file says what was put into it", "[backup_directory]") {
  const BackupContents contents = some_contents();
  const auto read = decode_backup(encode_backup(contents));
  REQUIRE_OK(read);
  CHECK(*read == contents);
}

TEST_CASE("a backup's file with any byte changed or cut off is refused", "[backup_directory]") {
  const std::string text = encode_backup(some_contents());
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string damaged = text;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    REQUIRE_FALSE(decode_backup(damaged).ok());
    REQUIRE_FALSE(decode_backup(text.substr(0, i)).ok());
  }
  CHECK_FALSE(decode_backup(text + "x").ok());
}

TEST_CASE("names in a backup's file never lead out of its directory", "[backup_directory]") {
  const std::string text = encode_backup(some_contents());
  const std::vector<std::string> names = {"..", ".", "../x", "/etc", "a/b", "a\\b", "", std::string("a\0b", 3)};
  for (const std::string& name : names) {
    INFO(name);
    CHECK(decode_backup(with(text, "a.topic_of-mine", name)).code() == Errc::corrupt_file);
  }
  CHECK(decode_backup(with(text, "fedcba9876543210", "../../3210abcdef")).code() == Errc::corrupt_file);
  CHECK(decode_backup(with(text, "fedcba9876543210", "FEDCBA9876543210")).code() == Errc::corrupt_file);
  CHECK(decode_backup(with(text, "partition 1", "partition 2")).code() == Errc::corrupt_file);
  CHECK(decode_backup(with(text, "holds all", "holds it")).code() == Errc::corrupt_file);
  REQUIRE_OK(decode_backup(with(text, "holds all", "holds topics")));
}

TEST_CASE("a backup of a newer version is refused as that", "[backup_directory]") {
  const std::string text = encode_backup(some_contents());
  CHECK(decode_backup(with(text, "logcask backup 1", "logcask backup 2")).code() == Errc::unsupported_version);
}

TEST_CASE("only names that a backup gives are taken for a backup's", "[backup_directory]") {
  SegmentFacts facts;
  facts.name = {Offset(1234), Generation(3)};
  facts.digest = 0x0123456789abcdef;
  const std::string name = backup_segment_name(facts);
  CHECK(name == "00000000000000001234.3.0123456789abcdef.log");
  const auto parsed = parse_backup_segment_name(name);
  REQUIRE(parsed);
  CHECK(parsed->segment == facts.name);
  CHECK(parsed->digest == facts.digest);
  CHECK(is_backup_manifest_name(backup_manifest_name(facts.digest)));
  for (const char* other :
       {"00000000000000001234.3.log", "00000000000000001234.3.0123456789abcdef.hint", "notes.txt",
        "00000000000000001234.3.0123456789ABCDEF.log", "0123456789abcdef.log", "x0123456789abcdef.log"}) {
    INFO(other);
    CHECK_FALSE(parse_backup_segment_name(other));
    CHECK_FALSE(is_backup_manifest_name(other));
  }
}

}  // namespace logcask::cli
