#include "cli/args.h"

#include "cli/exit_code.h"
#include "cli/foreign_words.h"
#include "cli/help.h"
#include "cli/run.h"
#include "cli/verbs.h"
#include "tests/support/catch.h"

using namespace logcask;
using namespace logcask::cli;

namespace {

struct Parsed {
  std::string topic;
  std::vector<std::string> keys;
  std::optional<std::int64_t> number;
  std::optional<std::string> text;
  std::string form = "text";
  bool on = false;
  std::optional<bool> maybe;
  std::vector<std::string> list;
};

Verb sample_verb(Parsed& to) {
  Verb verb;
  verb.path = "get";
  verb.summary = "Gets.";
  verb.positional("TOPIC", "the topic", &to.topic);
  verb.positional("KEY", "the keys", &to.keys);
  verb.flag("--partition", "N", "a number", Number{&to.number, 0, 10});
  verb.flag("--text", "T", "a text", &to.text);
  Argument& form = verb.flag("--output", "FORM", "a form", &to.form);
  form.alias = "-o";
  form.choices = {"text", "json"};
  verb.flag("--switch", "", "a switch", &to.on);
  verb.flag("--maybe", "", "a switch that knows whether it was said", &to.maybe);
  verb.flag("--list", "L", "a list", &to.list);
  verb.run = [] { return 0; };
  return verb;
}

std::string refusal(const std::vector<std::string>& words) {
  Parsed parsed;
  const Status status = parse_arguments(sample_verb(parsed), words);
  REQUIRE(!status.ok());
  CHECK(status.code() == Errc::invalid_argument);
  return status.error().message;
}

}  // namespace

TEST_CASE("arguments reach their targets as the bytes they are") {
  Parsed to;
  REQUIRE_OK(
      parse_arguments(sample_verb(to), {"t", "[a,b]", "get", "", "-", "--partition", "7", "-o", "json", "--switch",
                                        "--text=a=b", "--list", "x", "--list", "--y", "--", "--partition", "-o"}));
  CHECK(to.topic == "t");
  CHECK(to.keys == std::vector<std::string>{"[a,b]", "get", "", "-", "--partition", "-o"});
  CHECK(to.number == 7);
  CHECK(to.form == "json");
  CHECK(to.on);
  CHECK(to.text == "a=b");
  CHECK(to.list == std::vector<std::string>{"x", "--y"});
}

TEST_CASE("a name must be UTF-8, a key may be any bytes") {
  Parsed to;
  REQUIRE_OK(parse_arguments(sample_verb(to), {"caf\xc3\xa9", "\xff", "--text", "\xff"}));
  CHECK(to.topic == "caf\xc3\xa9");
  CHECK(to.keys == std::vector<std::string>{"\xff"});
  CHECK(refusal({"caf\xe9", "k"}) == "TOPIC must be UTF-8, and 'caf\xef\xbf\xbd' is not");
}

TEST_CASE("a switch is on, off, or not said") {
  Parsed to;
  to.on = true;
  REQUIRE_OK(parse_arguments(sample_verb(to), {"t", "k", "--switch=false"}));
  CHECK_FALSE(to.on);
  CHECK_FALSE(to.maybe.has_value());
  REQUIRE_OK(parse_arguments(sample_verb(to), {"t", "k", "--switch=true", "--maybe=false"}));
  CHECK(to.on);
  CHECK(to.maybe == false);
  REQUIRE_OK(parse_arguments(sample_verb(to), {"t", "k", "--maybe"}));
  CHECK(to.maybe == true);
  // The word behind a switch is no value of it.
  Parsed keys;
  REQUIRE_OK(parse_arguments(sample_verb(keys), {"t", "--switch", "false"}));
  CHECK(keys.on);
  CHECK(keys.keys == std::vector<std::string>{"false"});
}

TEST_CASE("a wrong command line is refused with its mend") {
  CHECK(refusal({}).find("TOPIC is missing; the form is: logcask get TOPIC KEY...") != std::string::npos);
  CHECK(refusal({"t"}).find("KEY is missing") != std::string::npos);
  CHECK(refusal({"t", "k", "--partitoin", "1"}).find("did you mean '--partition'") != std::string::npos);
  CHECK(refusal({"t", "k", "--part", "1"}).find("did you mean '--partition'") != std::string::npos);
  CHECK(refusal({"t", "k", "--switch-it"}).find("did you mean '--switch'") != std::string::npos);
  CHECK(refusal({"t", "k", "--zzzzzzzz"}).find("did you mean") == std::string::npos);
  CHECK(refusal({"t", "k", "--kafka-listen", "x"}).find("unknown flag '--kafka-listen'") != std::string::npos);
  CHECK(refusal({"t", "k", "--partition", "11"}).find("between 0 and 10") != std::string::npos);
  CHECK(refusal({"t", "k", "--partition", "1x"}).find("whole number") != std::string::npos);
  CHECK(refusal({"t", "k", "--partition"}).find("wants a value") != std::string::npos);
  CHECK(refusal({"t", "k", "-o", "xml"}).find("one of text, json") != std::string::npos);
  CHECK(refusal({"t", "k", "--switch=1"}).find("takes no value, or =true or =false, not '1'") != std::string::npos);
  CHECK(refusal({"t", "k", "--switch="}).find("takes no value") != std::string::npos);
  CHECK(refusal({"t", "k", "--switch=false", "--switch"}).find("twice") != std::string::npos);
  CHECK(refusal({"t", "k", "--text", "1", "--text", "2"}).find("twice") != std::string::npos);
}

TEST_CASE("help shows every flag, its choices, and the exit codes") {
  Parsed to;
  const std::string help = verb_help(sample_verb(to));
  CHECK(help.find("Usage: logcask get TOPIC KEY... [flags]") != std::string::npos);
  CHECK(help.find("-o, --output text|json") != std::string::npos);
  CHECK(help.find("--list L") != std::string::npos);
  CHECK(help.find("Exit codes:") != std::string::npos);
}

TEST_CASE("the exit code says what kind of error it was") {
  CHECK(exit_code_for(Errc::ok) == 0);
  CHECK(exit_code_for(Errc::unknown_topic) == 1);
  CHECK(exit_code_for(Errc::invalid_argument) == 2);
  CHECK(exit_code_for(Errc::connect_failed) == 4);
  CHECK(exit_code_for(Errc::condition_failed) == 5);
  CHECK(exit_code_for(Errc::loading) == 6);
  CHECK(exit_code_for(Errc::corrupt_range) == 8);
  for (const auto& note : exit_notes()) CHECK(exit_meaning(note.code) == note.meaning);
}

TEST_CASE("a record that cannot be written as it is has one exit code, whoever finds it") {
  for (const Errc code : {Errc::invalid_record, Errc::message_too_large, Errc::frame_too_large})
    CHECK(exit_code_for_input(code) == 7);
  for (const Errc code : {Errc::unknown_topic, Errc::condition_failed, Errc::throttled, Errc::connection_lost})
    CHECK(exit_code_for_input(code) == exit_code_for(code));
  // Of a read it says nothing about an input.
  CHECK(exit_code_for(Errc::frame_too_large) == 1);
}

TEST_CASE("words of other tools are answered with ours") {
  CHECK(foreign_verb_hint("set").find("'put TOPIC KEY VALUE'") != std::string::npos);
  CHECK(foreign_verb_hint("del").find("'delete TOPIC KEY...'") != std::string::npos);
  CHECK(foreign_verb_hint("get").empty());
  CHECK(foreign_verb_hint("set insert").empty());
  CHECK(foreign_verb_hint("").empty());
  CHECK(foreign_flag_hint("consume", "-n") == " (--max-records N)");
  CHECK(foreign_flag_hint("get", "--bootstrap-server").find("--broker HOST:PORT") != std::string::npos);
  CHECK(foreign_flag_hint("produce", "-t").find("the topic is an argument") != std::string::npos);
  CHECK(foreign_flag_hint("get", "--prefix").find("hash") != std::string::npos);
  CHECK(foreign_flag_hint("get", "-n").empty());
  CHECK(refusal({"t", "k", "--bootstrap-server", "h:1"}).find("--broker HOST:PORT") != std::string::npos);
}

TEST_CASE("no pointer from another tool names a verb or a flag that is not there") {
  const auto verbs = all_verbs();
  for (const auto& verb : verbs) {
    CHECK(foreign_verb_hint(verb.path).empty());
    for (const auto& flag : verb.flags) {
      INFO(verb.path << " " << flag.name);
      CHECK(foreign_flag_hint(verb.path, flag.name).empty());
    }
  }
  const auto has_flag = [&](const std::string& path, const std::string& name) {
    for (const auto& verb : verbs)
      for (const auto& flag : verb.flags)
        if (verb.path == path && flag.name == name) return true;
    return false;
  };
  for (const char* flag : {"--max-records", "--last", "--from", "--exit-at-end", "--group", "--key-separator"})
    CHECK(has_flag("consume", flag));
  CHECK(has_flag("watch", "--prefix"));
  CHECK(has_flag("keys", "--prefix"));
  CHECK(has_flag("put", "--if"));
  CHECK(has_flag("delete", "--if"));
}
