#include "cli/json_members.h"
#include "cli/json_stream.h"
#include "tests/cli/read_records.h"
#include "tests/support/catch.h"

using namespace logcask;
using namespace logcask::cli;

namespace {

InputRules json_records() {
  InputRules rules;
  rules.form = "json";
  return rules;
}

InputRules documents(std::string key_field, std::optional<std::string> value_field = std::nullopt) {
  InputRules rules = json_records();
  rules.document = DocumentRules{std::move(key_field), std::move(value_field)};
  return rules;
}

std::vector<std::string> objects_in(const std::string& content) {
  const InputFile file(content);
  StreamReader stream(file.descriptor());
  JsonStream objects(stream);
  std::vector<std::string> found;
  ByteView text;
  while (true) {
    const auto more = objects.next(text);
    if (!more.ok()) found.push_back("line " + std::to_string(objects.line()) + ": " + more.error().message);
    if (!more.ok() || !*more) return found;
    found.emplace_back(text);
  }
}

}  // namespace

TEST_CASE("JSON objects are found one a line, one behind the other, over several lines and in arrays") {
  using List = std::vector<std::string>;
  CHECK(objects_in("") == List{});
  CHECK(objects_in("{\"a\":1}\n{\"b\":2}\r\n\n{\"c\":3}") == List{"{\"a\":1}", "{\"b\":2}", "{\"c\":3}"});
  CHECK(objects_in("{\"a\":\n 1}{\"b\":\"}\"}") == List{"{\"a\":\n 1}", "{\"b\":\"}\"}"});
  CHECK(objects_in(" [ {\"a\":[1,{}]} ,\n{\"b\":2}\n]\n[]\n[{}]") == List{"{\"a\":[1,{}]}", "{\"b\":2}", "{}"});
  // An object larger than what is read at once.
  const std::string large = "{\"a\":\"" + std::string(700000, 'x') + "\"}";
  CHECK(objects_in("[" + large + "," + large + "]") == List{large, large});
}

TEST_CASE("JSON that is none is refused with its line, at once and not at the end of the file") {
  const auto refusal = [](const std::string& content) { return objects_in(content).back(); };
  CHECK(refusal("{\"a\":1}\n{\"a\":\n").starts_with("line 2: not JSON: the input ends inside"));
  CHECK(refusal("{\"a\":1}\n{\"a\":tru}\n{\"b\":2}\n").starts_with("line 2: not JSON"));
  CHECK(refusal("{\"a\":1\n{\"b\":2}\n").starts_with("line 1: not JSON"));
  CHECK(refusal("\n\n17\n").starts_with("line 3: not a JSON object"));
  CHECK(refusal("[{}\n{}]").starts_with("line 2: a comma is missing"));
  CHECK(refusal("[{},]").starts_with("line 1: not a JSON object"));
  CHECK(refusal("[[{}]]").starts_with("line 1: not a JSON object"));
  CHECK(refusal("[{}").starts_with("line 1: the input ends inside an array"));
  CHECK(refusal("{\"a\":\"\xff\"}").starts_with("line 1: not JSON"));
  CHECK(refusal(std::string(10000, '[')).starts_with("line 1: not a JSON object"));
  CHECK(refusal("{\"a\":" + std::string(10000, '[')).starts_with("line 1: not JSON"));
}

TEST_CASE("documents of any make load as they stand, by one of their fields") {
  const std::string lines =
      "{\"id\":\"a\",\"name\":\"x\\ny\",\"price\":1.10,\"big\":12345678901234567890123}\n{ \"id\" : 17, \"path\": "
      "\"C:\\\\temp\" }\r\n";
  auto read = read_records(lines, documents("id"));
  REQUIRE(read.records.size() == 2);
  CHECK(read.records[0].key == "a");
  CHECK(read.records[0].value == "{\"id\":\"a\",\"name\":\"x\\ny\",\"price\":1.10,\"big\":12345678901234567890123}");
  CHECK(read.records[1].key == "17");
  CHECK(read.records[1].value == "{ \"id\" : 17, \"path\": \"C:\\\\temp\" }");
  CHECK(read.notes.empty());

  read = read_records(
      "[\n  {\n    \"id\": 12345678901234567890123,\n    \"t\": \"a b\\\" c\"\n  },\n  {\"id\": true}\n]\n",
      documents("id"));
  REQUIRE(read.records.size() == 2);
  CHECK(read.records[0].key == "12345678901234567890123");
  CHECK(read.records[0].value == "{\"id\":12345678901234567890123,\"t\":\"a b\\\" c\"}");
  CHECK(read.numbers == std::vector<std::uint64_t>{2, 6});
  CHECK(read.records[1].key == "true");
  REQUIRE(read.notes.size() == 1);
  CHECK(read.notes[0].starts_with("line 2 begins a document of several lines"));
}

TEST_CASE("a value field is a string's text, null a delete, anything else its JSON") {
  const auto read =
      read_records(R"({"k":"a","v":"x\ty"}{"k":"b","v":null}{"k":"c","v":{"z":1.0}}{"k":"d","v":""}{"v":7,"k":null})",
                   documents("k", "v"));
  REQUIRE(read.records.size() == 5);
  CHECK(read.records[0].value == "x\ty");
  CHECK(read.records[1].value == std::nullopt);
  CHECK(read.records[2].value == "{\"z\":1.0}");
  CHECK(read.records[3].value == "");
  CHECK(read.records[4].key == std::nullopt);
  CHECK(read.records[4].value == "7");
}

TEST_CASE("a key may lie inside another field, and a name with a dot comes first") {
  auto read = read_records(R"({"_id":{"$oid":"5f"},"a":{"b":{"c":1}}})", documents("_id.$oid", "a.b"));
  REQUIRE(read.records.size() == 1);
  CHECK(read.records[0].key == "5f");
  CHECK(read.records[0].value == "{\"c\":1}");
  read = read_records(R"({"a":{"b":"inner"},"a.b":"outer"})", documents("a.b"));
  CHECK(read.records.at(0).key == "outer");
}

TEST_CASE("a document without its key is refused with the line and the fields it has") {
  const auto refusal = [](const std::string& content, const std::string& key) {
    const auto read = read_records(content, documents(key));
    CHECK(read.error.code == Errc::invalid_record);
    return read.error.message;
  };
  CHECK(refusal("{\"id\":1}\n{\"ID\":2,\"n\":3}\n", "id") == "line 2: no field 'id' in it; its fields are: ID, n");
  CHECK(refusal("{\"id\":{\"x\":1}}", "id").find("no key; name a field inside it") != std::string::npos);
  CHECK(refusal("{\"id\":1,\"id\":2}", "id").find("stands twice") != std::string::npos);
  CHECK(refusal("[1]", "id").find("not a JSON object") != std::string::npos);
}

TEST_CASE("produce takes what every verb prints as JSON, and passes over what holds no record, saying so") {
  const auto read = read_records(
      R"({"topic":"t","partition":0,"offset":1,"timestamp":-5,"key":"k","value":"v","headers":[["h","x"],["h",null],["",{"base64":"/w=="}]],"tombstone":false})"
      "\n"
      R"({"caught_up":true,"topic":"t","partition":0,"offset":2})"
      "\n"
      R"({"status":"found","topic":"t","partition":0,"offset":1,"timestamp":5,"key":"f","value":"v","headers":[],"tombstone":false,"ambiguous":true})"
      "\n"
      R"({"status":"deleted","topic":"t","partition":0,"offset":1,"timestamp":5,"key":"d","value":null,"tombstone":true})"
      "\n"
      R"({"status":"absent","topic":"t","key":"n"})"
      "\n"
      R"({"status":"expired","topic":"t","partition":0,"offset":1,"timestamp":5,"key":"e"})"
      "\n"
      R"({"topic":"t","key":"gone","partition":0,"offset":9,"timestamp":5,"value":null,"headers":[],"tombstone":true})"
      "\n"
      R"({"caught_up":true,"topic":"t","partition":1,"offset":0})"
      "\n",
      json_records());
  INFO(read.error.message);
  REQUIRE(read.records.size() == 5);
  CHECK(read.records[0].timestamp == TimestampMs(-5));
  REQUIRE(read.records[0].headers.size() == 3);
  CHECK(read.records[0].headers[1].second == std::nullopt);
  CHECK(read.records[0].headers[2].second == "\xff");
  CHECK(read.records[1].key == "f");
  CHECK(read.records[2].value == std::nullopt);
  CHECK(read.records[3].key == "e");
  CHECK(read.records[3].value == std::nullopt);
  CHECK(read.records[4].value == std::nullopt);
  CHECK(read.numbers == std::vector<std::uint64_t>{1, 3, 4, 6, 7});
  REQUIRE(read.notes.size() == 2);
  CHECK(read.notes[0].starts_with("line 2 is a caught_up marker"));
  CHECK(read.notes[1].starts_with("line 5 says that a key is absent"));
}

TEST_CASE("a lookup that failed and a key without its value are refused, not written as something else") {
  auto read = read_records(R"({"status":"failed","topic":"t","key":"k","error":"loading: later"})", json_records());
  CHECK(read.error.message.find("loading: later") != std::string::npos);
  read = read_records(R"({"topic":"t","partition":0,"offset":1,"timestamp":5,"key":"k","tombstone":false})",
                      json_records());
  CHECK(read.error.message.find("\"value\"") != std::string::npos);
  read = read_records(R"({"id":1})", json_records());
  CHECK(read.error.message.find("--key-field") != std::string::npos);
  read = read_records(R"({"key":"a","key":"b","value":"v"})", json_records());
  CHECK(read.error.message.find("twice") != std::string::npos);
}
