#include "cli/csv_reader.h"
#include "tests/cli/read_records.h"
#include "tests/support/catch.h"

using namespace logcask;
using namespace logcask::cli;

namespace {

InputRules table(std::string key_column, std::optional<std::string> value_column, bool header, char delimiter = ',') {
  InputRules rules;
  rules.form = "csv";
  rules.csv = {std::move(key_column), std::move(value_column), header, delimiter};
  return rules;
}

std::vector<std::vector<std::string>> rows_of(const std::string& content, std::string* error = nullptr) {
  const InputFile file(content);
  StreamReader stream(file.descriptor());
  CsvReader reader(stream, ',');
  std::vector<std::vector<std::string>> rows;
  while (true) {
    const auto more = reader.next();
    if (!more.ok() && error != nullptr) *error = "line " + std::to_string(reader.line()) + ": " + more.error().message;
    if (!more.ok() || !*more) return rows;
    rows.push_back(reader.fields());
  }
}

}  // namespace

TEST_CASE("CSV is read by RFC 4180: quotes, doubled quotes, delimiters and line ends inside, LF or CR LF") {
  using Rows = std::vector<std::vector<std::string>>;
  CHECK(rows_of("") == Rows{});
  CHECK(rows_of("a,b\r\nc,d\n") == Rows{{"a", "b"}, {"c", "d"}});
  CHECK(rows_of("a,\"b \"\"x\"\", y\"\r\n\"two\r\nlines\",\"\"\r\n") ==
        Rows{{"a", "b \"x\", y"}, {"two\r\nlines", ""}});
  CHECK(rows_of(",\n,\r\n") == Rows{{"", ""}, {"", ""}});
  CHECK(rows_of("a, b ,5\" screw,no end") == Rows{{"a", " b ", "5\" screw", "no end"}});
  CHECK(rows_of("a,\"b\"") == Rows{{"a", "b"}});
  CHECK(rows_of("a\r,b\rc\r\n") == Rows{{"a\r", "b\rc"}});
  const std::string large(600000, 'x');
  CHECK(rows_of("k,\"" + large + "\n\"\nl," + large + "\n") == Rows{{"k", large + "\n"}, {"l", large}});
  std::string error;
  rows_of("a,b\n\"x\"y,z\n", &error);
  CHECK(error.starts_with("line 2: text behind a closing quote"));
  rows_of("a,\"b\n1\n2\n", &error);
  CHECK(error.starts_with("line 1: a quote that is never closed"));
}

TEST_CASE("a table loads by the name of its key column, each row as an object of its columns") {
  auto read = read_records("id,name,path\r\n7,\"Smith, \"\"J\"\"\",C:\\temp\\new\r\n8,,\"a\nb\"\r\n",
                           table("id", std::nullopt, true));
  INFO(read.error.message);
  REQUIRE(read.records.size() == 2);
  CHECK(read.records[0].key == "7");
  CHECK(read.records[0].value == R"({"id":"7","name":"Smith, \"J\"","path":"C:\\temp\\new"})");
  CHECK(read.records[1].value == R"({"id":"8","name":"","path":"a\nb"})");
  CHECK(read.numbers == std::vector<std::uint64_t>{2, 3});
  CHECK(read.notes.empty());
  read = read_records("id;price\n7;1,5\n", table("id", "price", true, ';'));
  REQUIRE(read.records.size() == 1);
  CHECK(read.records[0].value == "1,5");
}

TEST_CASE("without a header columns have numbers and a row is its own value, as it stands") {
  auto read = read_records("7,\"x\"\"y\",\r\n\r\n8,z,w\r\n", table("1", std::nullopt, false));
  REQUIRE(read.records.size() == 2);
  CHECK(read.records[0].key == "7");
  CHECK(read.records[0].value == "7,\"x\"\"y\",");
  CHECK(read.records[1].value == "8,z,w");
  REQUIRE(read.notes.size() == 1);
  CHECK(read.notes[0].starts_with("line 2 is empty"));
  InputRules rules = table("1", "3", false);
  rules.text.tombstone_on_empty = true;
  read = read_records("7,x,\r\n8,z,w\r\n", rules);
  REQUIRE(read.records.size() == 2);
  CHECK(read.records[0].value == std::nullopt);
  CHECK(read.records[1].value == "w");
}

TEST_CASE("a table that does not fit is refused with its line and what it has") {
  const auto refusal = [](const std::string& content, InputRules rules) {
    return read_records(content, std::move(rules)).error.message;
  };
  CHECK(
      refusal("a;b\n1;2\n", table("a", std::nullopt, true)).starts_with("line 1: no column 'a'; the header has 'a;b'"));
  CHECK(refusal("a,b\n1,2\n1,2,3\n", table("a", std::nullopt, true)) == "line 3: 3 fields where the first row has 2");
  CHECK(refusal("a,a\n1,2\n", table("1", std::nullopt, true)).find("stands twice") != std::string::npos);
  CHECK(refusal("x,y\n", table("3", std::nullopt, false)).starts_with("line 1: no column 3; the row has 2 fields"));
  CHECK(refusal("id,n\n1,caf\xe9\n", table("id", std::nullopt, true)).find("iconv -f WINDOWS-1252") !=
        std::string::npos);
  CHECK(refusal("1,2\n", table("id", std::nullopt, false)).find("--header") != std::string::npos);
  CHECK(refusal("1,2\n", table("", std::nullopt, true)).find("--key-column") != std::string::npos);
}
