#include "cli/text_table.h"

#include "tests/support/catch.h"

using namespace logcask::cli;

namespace {

std::string text_of(const TextTable& table) {
  std::string out;
  table.append_to(out);
  return out;
}

}  // namespace

TEST_CASE("columns are as wide as their widest cell or heading, numbers stand to the right", "[table]") {
  TextTable table({"TOPIC", ">KEYS", "STATE"});
  CHECK(table.empty());
  table.row({"a", "7", "ok"});
  table.row({"longer-name", "123456", "loading"});
  CHECK_FALSE(table.empty());
  CHECK(text_of(table) ==
        "TOPIC          KEYS  STATE\n"
        "a                 7  ok\n"
        "longer-name  123456  loading\n");
}

TEST_CASE("lines end with their last letter, and empty cells keep their place", "[table]") {
  TextTable table({"A", "B", "C"});
  table.row({"", "b", ""});
  table.row({"a", "", ""});
  table.row({"", "", ""});
  CHECK(text_of(table) ==
        "A  B  C\n"
        "   b\n"
        "a\n"
        "\n");
}

TEST_CASE("a table without rows is its heading, and goes behind what is there", "[table]") {
  TextTable table({"ONLY", ">NUMBER"});
  std::string out = "before\n";
  table.append_to(out);
  CHECK(out == "before\nONLY  NUMBER\n");
}

TEST_CASE("letters are counted, not bytes", "[table]") {
  TextTable table({"KEY", "NEXT"});
  table.row({"größe", "x"});
  table.row({"€", "y"});
  table.row({"plain", "z"});
  CHECK(text_of(table) ==
        "KEY    NEXT\n"
        "größe  x\n"
        "€      y\n"
        "plain  z\n");
}
