#include "base/utf8.h"

#include "tests/support/catch.h"

using namespace logcask;

TEST_CASE("Strict UTF-8 is text, and nothing else") {
  for (const char* text :
       {"", "a", "caf\xc3\xa9", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"})
    CHECK(valid_utf8(text));
  CHECK(valid_utf8(ByteView("a\0b", 3)));
  for (const char* bytes : {"caf\xe9", "\xff", "\x80", "\xc3", "\xc0\xaf", "\xe0\x9f\xbf", "\xed\xa0\x80",
                            "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf0\x90\x80"})
    CHECK_FALSE(valid_utf8(bytes));
}

TEST_CASE("What is not UTF-8 becomes a replacement character for each byte, the rest stays") {
  CHECK(utf8_text("caf\xc3\xa9 \xf0\x9f\x98\x80") == "caf\xc3\xa9 \xf0\x9f\x98\x80");
  CHECK(utf8_text("caf\xe9") == "caf\xef\xbf\xbd");
  CHECK(utf8_text("\xf0\x90\x80") == "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
  CHECK(utf8_text("\xe9"
                  "a\xff") ==
        "\xef\xbf\xbd"
        "a\xef\xbf\xbd");
  CHECK(utf8_text("").empty());
}
