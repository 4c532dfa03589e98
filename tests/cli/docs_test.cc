#include <fstream>
#include <iterator>

#include "base/errc.h"
#include "broker/settings/config_reference.h"
#include "cli/completion.h"
#include "cli/help.h"
#include "cli/verbs.h"
#include "tests/support/catch.h"

using namespace logcask;
using namespace logcask::cli;

namespace {

std::string page(const std::string& path) {
  std::ifstream in(std::string(LOGCASK_SOURCE_DIR) + "/" + path, std::ios::binary);
  REQUIRE(in.good());
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

// Compares line by line, so that a failure shows the first line that differs and not two pages.
void check_same(const std::string& shown, const std::string& made, const std::string& mend) {
  INFO(mend);
  std::size_t line = 1;
  std::size_t start = 0;
  for (std::size_t i = 0; i < std::min(shown.size(), made.size()); ++i) {
    if (shown[i] != made[i]) {
      INFO("line " << line);
      REQUIRE(shown.substr(start, shown.find('\n', start) - start) ==
              made.substr(start, made.find('\n', start) - start));
    }
    if (shown[i] == '\n') {
      ++line;
      start = i + 1;
    }
  }
  REQUIRE(shown.size() == made.size());
}

}  // namespace

TEST_CASE("docs/CLI.md is what the program says of itself") {
  check_same(page("docs/CLI.md"), cli_reference(all_verbs()), "run: logcask --print-cli-reference > docs/CLI.md");
}

TEST_CASE("docs/CONFIG.md is what the settings' tables say") {
  check_same(page("docs/CONFIG.md"), config_reference_markdown(),
             "run: logcask serve --print-config-reference > docs/CONFIG.md");
}

TEST_CASE("the error table of docs/PROTOCOL.md is that of base/errc.cc") {
  std::string table = "| code | name | retriable | meaning |\n|---|---|---|---|\n";
  for (const auto& info : errc_table())
    table += "| " + std::to_string(static_cast<int>(info.code)) + " | " + std::string(info.name) + " | " +
             (info.retriable ? "yes" : "no") + " | " + std::string(info.meaning) + " |\n";
  const std::string shown = page("docs/PROTOCOL.md");
  const std::size_t start = shown.find("| code | name |");
  REQUIRE(start != std::string::npos);
  check_same(shown.substr(start), table, "replace the table at the end of docs/PROTOCOL.md");
}

TEST_CASE("every verb has a summary, an example, and no flag without help") {
  for (const auto& verb : all_verbs()) {
    INFO(verb.path);
    CHECK(verb.summary.ends_with('.'));
    CHECK(!verb.examples.empty());
    CHECK(verb.run != nullptr);
    for (const auto& argument : verb.positionals) CHECK(!argument.help.empty());
    for (const auto& flag : verb.flags) {
      INFO(flag.name);
      CHECK(!flag.help.empty());
      CHECK(flag.is_switch() == (flag.value_name.empty()));
    }
  }
}

TEST_CASE("the completions know every verb and every flag") {
  const auto verbs = all_verbs();
  for (const auto& script : {bash_completion(verbs), zsh_completion(verbs), fish_completion(verbs)})
    for (const auto& verb : verbs)
      for (const auto& flag : verb.flags) {
        INFO(verb.path << " " << flag.name);
        CHECK(script.find(flag.name.substr(2)) != std::string::npos);
      }
}
