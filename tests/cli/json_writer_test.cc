#include "base/json_writer.h"

#include <cmath>
#include <limits>

#include "tests/support/catch.h"

using namespace logcask;
using namespace logcask::cli;

namespace {

std::string string_of(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

template <class T>
std::string value_of(const T& value) {
  std::string out;
  JsonWriter(out).value(value);
  return out;
}

std::string field_of(const std::optional<ByteView>& bytes) {
  std::string out;
  JsonWriter(out).begin().field_bytes("key", bytes).end();
  return out;
}

}  // namespace

TEST_CASE("json strings escape what they must and nothing else", "[json]") {
  CHECK(string_of("plain text/é€") == "\"plain text/é€\"");
  CHECK(string_of("") == "\"\"");
  CHECK(string_of("\"\\\n\r\t") == R"("\"\\\n\r\t")");
  CHECK(string_of(std::string_view("\0\x01\x1f\x7f", 4)) == R"("\u0000\u0001\u001f\u007f")");
  CHECK(string_of(" ~") == "\" ~\"");  // the neighbours of what is escaped
}

TEST_CASE("commas stand between fields and items, at every depth, and nowhere else", "[json]") {
  std::string out = "before ";
  JsonWriter json(out);
  json.begin().field("a", 1).name("list").begin_list().value(1).begin().end().begin().field("b", "x").end();
  json.begin_list().end_list().null().end_list().name("empty").begin_list().end_list().field("z", true).end();
  CHECK(out == R"(before {"a":1,"list":[1,{},{"b":"x"},[],null],"empty":[],"z":true})");
}

TEST_CASE("names are escaped as values are", "[json]") {
  std::string out;
  JsonWriter(out).begin().field("a\"b", 1).end();
  CHECK(out == R"({"a\"b":1})");
}

TEST_CASE("whole numbers are written whole, at both ends of their types", "[json]") {
  CHECK(value_of(std::numeric_limits<std::int64_t>::min()) == "-9223372036854775808");
  CHECK(value_of(std::numeric_limits<std::uint64_t>::max()) == "18446744073709551615");
  CHECK(value_of(0) == "0");
  CHECK(value_of(true) == "true");
  CHECK(value_of(false) == "false");
  CHECK(value_of("true") == "\"true\"");
}

TEST_CASE("fractions have six digits, and what is no number is null", "[json]") {
  CHECK(value_of(0.5) == "0.5");
  CHECK(value_of(1.0 / 3) == "0.333333");
  CHECK(value_of(-0.25) == "-0.25");
  CHECK(value_of(1e20) == "1e+20");
  CHECK(value_of(std::numeric_limits<double>::infinity()) == "null");
  CHECK(value_of(std::nan("")) == "null");
}

TEST_CASE("bytes are text when they are UTF-8, null when there are none, else base64 under a name that says so",
          "[json]") {
  CHECK(field_of(ByteView("text")) == R"({"key":"text"})");
  CHECK(field_of(ByteView("")) == R"({"key":""})");
  CHECK(field_of(std::nullopt) == R"({"key":null})");
  CHECK(field_of(ByteView("\xff\xfe\xfd")) == R"({"key_base64":"//79"})");
  CHECK(field_of(ByteView("\xc3")) == R"({"key_base64":"ww=="})");  // a character cut in half
  std::string out;
  JsonWriter(out)
      .begin_list()
      .value_bytes("a")
      .value_bytes(std::nullopt)
      .value_bytes("\xff")
      .value_bytes("b")
      .end_list();
  CHECK(out == R"(["a",null,{"base64":"/w=="},"b"])");
}

TEST_CASE("a message that is not UTF-8 is mended byte by byte, the rest of it kept", "[json]") {
  CHECK(value_of(std::string_view("a\xff\xfe"
                                  "b")) ==
        "\"a\xef\xbf\xbd\xef\xbf\xbd"
        "b\"");
  CHECK(value_of(std::string_view("\xc3\xa9\xc3")) == "\"\xc3\xa9\xef\xbf\xbd\"");
  CHECK(value_of(std::string_view("\xff\"\n")) == "\"\xef\xbf\xbd\\\"\\n\"");
}

TEST_CASE("a whole number keeps all its digits, a fraction six", "[json]") {
  CHECK(value_of(1234567890.0) == "1234567890");
  CHECK(value_of(9007199254740991.0) == "9007199254740991");
  CHECK(value_of(0.0) == "0");
  CHECK(value_of(1234567.25) == "1.23457e+06");
  CHECK(value_of(0.125) == "0.125");
}
