#include "cli/run.h"

#include <algorithm>

#include "cli/exit_code.h"
#include "cli/foreign_words.h"
#include "cli/help.h"
#include "cli/interrupt.h"
#include "cli/output.h"

namespace logcask::cli {
namespace {

int print(const std::string& text, int code = kExitOk) {
  Output out;
  out.buffer() = text;
  return out.finish(code);
}

int usage_error(const std::string& message) {
  print_error(message);
  return kExitUsage;
}

// Flags before the verb (`logcask --broker H:P get t k`) belong to the verb: they move behind it.
std::vector<std::string> take_leading_flags(std::vector<std::string>& words) {
  std::vector<std::string> flags;
  while (words.size() > 1 &&
         (words[0].starts_with("--broker") || words[0].starts_with("--output") || words[0].starts_with("-o"))) {
    const std::size_t count = words[0].find('=') == std::string::npos ? 2 : 1;
    flags.insert(flags.end(), words.begin(), words.begin() + static_cast<std::ptrdiff_t>(count));
    words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(count));
  }
  return flags;
}

const Verb* find_verb(const std::vector<Verb>& verbs, const std::vector<std::string>& words, std::size_t& used) {
  for (const auto& verb : verbs) {
    const std::size_t count = verb.path.find(' ') == std::string::npos ? 1 : 2;
    if (words.size() < count) continue;
    if (verb.path == (count == 1 ? words[0] : words[0] + " " + words[1])) {
      used = count;
      return &verb;
    }
  }
  return nullptr;
}

// `elsewhere`: verbs of two words whose second one was given.
std::string what_is_meant(const std::string& word, const std::vector<std::string>& first_words,
                          const std::string& elsewhere) {
  const std::string foreign = foreign_verb_hint(word);
  if (!foreign.empty()) return foreign;
  return elsewhere.empty() ? did_you_mean(word, first_words) : " (did you mean " + elsewhere + "?)";
}

int unknown_verb(const std::vector<Verb>& verbs, const std::vector<std::string>& words) {
  std::vector<std::string> first_words, group_words;
  std::string elsewhere;  // "list" alone: 'topic list' or 'group list'
  for (const auto& verb : verbs) {
    const std::size_t space = verb.path.find(' ');
    first_words.push_back(verb.path.substr(0, space));
    if (space != std::string::npos && first_words.back() == words[0])
      group_words.push_back(verb.path.substr(space + 1));
    if (space != std::string::npos && verb.path.substr(space + 1) == words[0])
      elsewhere += (elsewhere.empty() ? "" : " or ") + ("'" + verb.path + "'");
  }
  if (group_words.empty())
    return usage_error("unknown verb '" + words[0] + "'" + what_is_meant(words[0], first_words, elsewhere) +
                       "; see logcask --help");
  const bool help = words.size() == 2 && (words[1] == "--help" || words[1] == "-h");
  if (help) return print(group_help(verbs, words[0]));
  if (words.size() == 1) return usage_error(words[0] + " wants a verb of its own; see logcask " + words[0] + " --help");
  return usage_error("unknown verb '" + words[0] + " " + words[1] + "'" + did_you_mean(words[1], group_words) +
                     "; see logcask " + words[0] + " --help");
}

bool asks_for_help(const std::vector<std::string>& arguments) {
  for (const auto& word : arguments) {
    if (word == "--") return false;
    if (word == "--help" || word == "-h") return true;
  }
  return false;
}

}  // namespace

int run_program(const std::vector<Verb>& verbs, std::vector<std::string> words) {
  std::vector<std::string> arguments = take_leading_flags(words);
  if (words.empty()) {
    print(overview_help(verbs));
    return kExitUsage;
  }
  if (words[0] == "help" && words.size() > 1) {  // `help topic create` is `topic create --help`
    words.erase(words.begin());
    words.push_back("--help");
  }
  if (words[0] == "--help" || words[0] == "-h" || words[0] == "help") return print(overview_help(verbs));
  if (words[0] == "--version") return print("logcask " LOGCASK_VERSION "\n");
  if (words[0] == "--print-cli-reference") return print(cli_reference(verbs));
  if (words[0].starts_with('-')) return usage_error("a verb comes first, not '" + words[0] + "'; see logcask --help");
  std::size_t used = 0;
  const Verb* verb = find_verb(verbs, words, used);
  if (verb == nullptr) return unknown_verb(verbs, words);
  set_verb_name(verb->path);
  arguments.insert(arguments.end(), words.begin() + static_cast<std::ptrdiff_t>(used), words.end());
  if (asks_for_help(arguments)) return print(verb_help(*verb));
  if (auto parsed = parse_arguments(*verb, arguments); !parsed.ok()) return usage_error(parsed.error().message);
  if (verb->looks_for_interrupts) catch_interrupts();
  return verb->run();
}

}  // namespace logcask::cli
