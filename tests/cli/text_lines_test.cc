#include <algorithm>
#include <random>

#include "cli/record_text.h"
#include "tests/cli/read_records.h"
#include "tests/support/catch.h"
#include "tests/support/seed.h"

using namespace logcask;
using namespace logcask::cli;

namespace {

using Field = std::optional<std::string>;
using KeyValue = std::pair<Field, Field>;

std::optional<ByteView> bytes_of(const Field& field) { return field ? std::optional<ByteView>(*field) : std::nullopt; }

std::string line_of(const Field& key, const Field& value, const TextStyle& style = {}) {
  std::string out;
  append_text_record(out, bytes_of(key), bytes_of(value), style);
  return out;
}

KeyValue pair_of(const RecordIn& record) { return {record.key, record.value}; }

// What must come through a shell unharmed, and what plain lines cannot hold.
const char* const kTexts[] = {R"({"name":"a\nb","path":"C:\\temp"})",
                              R"({"u":"\u00e9\ud83d\ude00","q":"\"","n":1.0e5})",
                              R"(C:\temp\new\x41\N)",
                              R"(\\server\share\readme.txt)",
                              R"(^\d+\.\d{2}\s*$|\bN\b|\:\t)",
                              R"(s/\//\\/g)",
                              R"(\:)",
                              R"(\:\N)",
                              R"(\N)",
                              "",
                              "null",
                              "a\tb\tc",
                              "two\nlines",
                              "ends with CR\r",
                              "\r",
                              "\xef\xbb\xbf"
                              "marked",
                              "\xff\xfe"
                              "u\0t\0f",
                              "gr\xc3\xbc\xc3\x9f"
                              "e \xf0\x9f\x98\x80",
                              "latin-1 \xe4\xf6\xfc",
                              "\x1b[31mred\x1b[0m",
                              "a=b=c",
                              "::",
                              ":"};

Field random_text_field(std::mt19937_64& random) {
  if (random() % 12 == 0) return std::nullopt;
  if (random() % 3 == 0) return kTexts[random() % std::size(kTexts)];
  static const char* const kPieces[] = {"\\", ":",    "\t",       "\n",   "\r",   "=", "N",
                                        "x",  "\xef", "\xbb\xbf", "\xff", "\xfe", "n"};
  std::string out;
  for (std::size_t i = random() % 8; i > 0; --i)
    out +=
        random() % 2 == 0 ? std::string(1, static_cast<char>(random() % 256)) : kPieces[random() % std::size(kPieces)];
  return out;
}

}  // namespace

TEST_CASE("JSON, Windows paths and regular expressions stand in a line of text as they are, in and out") {
  for (const char* text :
       {R"({"name":"a\nb"})", R"(C:\temp\new)", R"({"q":"\"","u":"\u00e9"})", R"(\d+\s)", R"(\N)", "a\tb"}) {
    CHECK(line_of("k", text) == "k\t" + std::string(text) + "\n");
    const auto read = read_records("k\t" + std::string(text) + "\n");
    REQUIRE(read.records.size() == 1);
    CHECK(pair_of(read.records[0]) == KeyValue("k", text));
    CHECK(read.notes.empty());
  }
}

TEST_CASE("only a line that would not be read back is escaped, and begins with the marker") {
  CHECK(line_of("k", std::nullopt) == "\\:k\t\\N\n");
  CHECK(line_of(std::nullopt, "v") == "\\:\\N\tv\n");
  CHECK(line_of("k", "a\nb\\") == "\\:k\ta\\nb\\\\\n");
  CHECK(line_of("k", "v\r") == "\\:k\tv\\r\n");
  CHECK(line_of("k", "v\rw") == "k\tv\rw\n");
  CHECK(line_of("k\tl", "v") == "\\:k\\tl\tv\n");
  CHECK(line_of("\\:k", "v") == "\\:\\\\:k\tv\n");
  CHECK(line_of("\xef\xbb\xbf", "v").starts_with("\\:"));
  CHECK(line_of("\xff\xfe", "v") == "\\:\\xff\\xfe\tv\n");
  CHECK(line_of("", "") == "\t\n");
  CHECK(line_of("k", "\\N") == "k\t\\N\n");
}

TEST_CASE("what consume prints produce reads back, also sorted, filtered and cut, whatever the bytes") {
  const std::uint64_t seed = testing::test_seed();
  INFO("LOGCASK_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  for (const char* separator : {"\t", "=", "::", "N", "x41", "\xe2\x86\x92", "\xef"}) {
    const TextStyle style{separator, random() % 4 == 0};
    InputRules rules;
    rules.text.key_separator = separator;
    std::vector<std::pair<std::string, KeyValue>> lines;
    for (int i = 0; i < 2000; ++i) {
      const KeyValue record(random_text_field(random), random_text_field(random));
      lines.emplace_back(line_of(record.first, record.second, style), record);
    }
    // As they come, sorted by their bytes, and some of them (grep, head).
    for (int way = 0; way < 3; ++way) {
      if (way == 1) std::sort(lines.begin(), lines.end());
      if (way == 2) {
        std::erase_if(lines, [&](const auto&) { return random() % 3 != 0; });
        std::shuffle(lines.begin(), lines.end(), random);
      }
      std::string text;
      for (const auto& [line, record] : lines) text += line;
      const auto read = read_records(text, rules);
      INFO("separator " << separator << " way " << way << " " << read.error.message);
      REQUIRE(read.error.code == Errc::ok);
      REQUIRE(read.records.size() == lines.size());
      for (std::size_t i = 0; i < lines.size(); ++i) {
        INFO(lines[i].first);
        REQUIRE(pair_of(read.records[i]) == lines[i].second);
      }
    }
  }
}

TEST_CASE("lines for a terminal hold no control characters and read back all the same") {
  const TextStyle style{"\t", true};
  CHECK(line_of("k", "\x1b[31mred", style) == "\\:k\t\\x1b[31mred\n");
  CHECK(line_of("k",
                "\xc2\x9b"
                "31m",
                style) == "\\:k\t\\xc2\\x9b31m\n");
  CHECK(line_of("k", "latin \xe4", style) == "\\:k\tlatin \\xe4\n");
  CHECK(line_of("k",
                "gr\xc3\xbc\xc3\x9f"
                "e\ttab",
                style) ==
        "k\tgr\xc3\xbc\xc3\x9f"
        "e\ttab\n");
  std::string value;
  append_text_value(value, "{\n\t\"a\": 1\n}", style);
  CHECK(value == "{\n\t\"a\": 1\n}\n");
  value.clear();
  append_text_value(value, "\x1b]0;title\x07", style);
  CHECK(value == "\\:\\x1b]0;title\\x07\n");
}

TEST_CASE("one value is printed byte for byte and a newline behind it") {
  for (const char* text : kTexts) {
    std::string out;
    append_text_value(out, text);
    CHECK(out == std::string(text) + "\n");
  }
}

TEST_CASE("a key alone on a line is read back") {
  for (const char* key : kTexts) {
    std::string line;
    append_text_key(line, key);
    REQUIRE(line.find('\n') == line.size() - 1);
    line.pop_back();
    auto read = parse_text_key(line);
    REQUIRE_OK(read);
    CHECK(*read == key);
  }
}

TEST_CASE("produce says once that it read an escaped line, where the first one stood") {
  const auto read = read_records("a\t1\n\\:b\t\\N\n\\:c\td\\ne\n");
  REQUIRE(read.records.size() == 3);
  CHECK(!read.records[1].value);
  CHECK(read.records[2].value == "d\ne");
  REQUIRE(read.notes.size() == 1);
  CHECK(read.notes[0].starts_with("line 2 begins with \\:"));
}

TEST_CASE("the CR of CR LF is no part of a value, and that is said once") {
  const std::string crlf = "a\t1\r\nb\t\r\nc\t3";
  auto read = read_records(crlf);
  REQUIRE(read.records.size() == 3);
  CHECK(read.records[0].value == "1");
  CHECK(read.records[1].value == "");
  REQUIRE(read.notes.size() == 1);
  CHECK(read.notes[0].starts_with("line 1 ends with CR LF"));

  InputRules rules;
  rules.text.tombstone_on_empty = true;
  read = read_records(crlf, rules);
  REQUIRE(read.records.size() == 3);
  CHECK(!read.records[1].value);

  rules.keep_carriage_returns = true;
  read = read_records(crlf, rules);
  CHECK(read.records[1].value == "\r");
  CHECK(read.notes.empty());

  read = read_records("\\:a\t1\\r\r\n");
  CHECK(read.records.at(0).value == "1\r");
}

TEST_CASE("a byte order mark is no part of the first key, and that is said") {
  for (const char* form : {"text", "json", "csv"}) {
    InputRules rules;
    rules.form = form;
    rules.csv = {"1", "2", false, ','};
    const std::string content = form == std::string("text")   ? "k\tv\n"
                                : form == std::string("json") ? "{\"key\":\"k\",\"value\":\"v\"}\n"
                                                              : "k,v\r\n";
    const auto read = read_records("\xef\xbb\xbf" + content, rules);
    INFO(form << " " << read.error.message);
    REQUIRE(read.records.size() == 1);
    CHECK(pair_of(read.records[0]) == KeyValue("k", "v"));
    REQUIRE(read.notes.size() == 1);
    CHECK(read.notes[0].find("byte order mark") != std::string::npos);
    const auto wide = read_records(std::string("\xff\xfek\0\t\0v\0\n\0", 10), rules);
    CHECK(wide.error.code == Errc::invalid_record);
    CHECK(wide.error.message.find("iconv -f UTF-16") != std::string::npos);
  }
}

TEST_CASE("bad text lines are refused and say how to write them") {
  const auto refusal = [](ByteView line) {
    auto record = parse_text_record(line, {});
    REQUIRE(!record.ok());
    CHECK(record.code() == Errc::invalid_record);
    return record.error().message;
  };
  CHECK(refusal("no separator").find("'\\t'") != std::string::npos);
  CHECK(refusal("\\:k\t\\q").find("'\\\\q'") != std::string::npos);
  CHECK(refusal("\\:k\tv\\").find("\\\\") != std::string::npos);
  CHECK(refusal("\\:k\t\\x4").find("\\xHH") != std::string::npos);
  CHECK(refusal("\\:k\t\\Nx").find("\\N") != std::string::npos);
  CHECK(refusal("\\:k").find("separator") != std::string::npos);
}

TEST_CASE("a key separator of one's own splits at its first place, and empty values become tombstones when told") {
  auto record = parse_text_record("a::b::c", {"::", false});
  REQUIRE_OK(record);
  CHECK(record->key == "a");
  CHECK(record->value == "b::c");
  record = parse_text_record("a=", {"=", true});
  REQUIRE_OK(record);
  CHECK(record->value == std::nullopt);
  record = parse_text_record("a=", {"=", false});
  REQUIRE_OK(record);
  CHECK(record->value == "");
  record = parse_text_record("\\:a\\x3db=\\N", {"=", false});
  REQUIRE_OK(record);
  CHECK(record->key == "a=b");
  CHECK(record->value == std::nullopt);
}
