#pragma once
// Verbs described as data: one table gives parsing, help, docs/CLI.md and shell completion.
//
// Arguments are bytes and reach their target unchanged: a key may be "[a,b]", "-" or "serve". Names (of topics, groups,
// settings) must be UTF-8. A flag is `--name VALUE` or `--name=VALUE`, a switch is `--name`, which is `--name=true`, or
// `--name=false`; `--` ends the flags; one that stands twice is refused unless it is a list.

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"

namespace logcask::cli {

struct Number {
  std::variant<std::int64_t*, std::optional<std::int64_t>*> target;
  std::int64_t min = 0;
  std::int64_t max = std::numeric_limits<std::int64_t>::max();
};

// Where an argument's value goes; a bool is a switch, an optional one tells false from not said; a vector takes any
// number of values.
using Target = std::variant<bool*, std::optional<bool>*, std::string*, std::optional<std::string>*,
                            std::vector<std::string>*, Number>;

struct Argument {
  std::string name;   // "--partition", or "TOPIC" for a positional
  std::string alias;  // "-o"
  std::string value_name;
  std::string help;
  Target target;
  std::vector<std::string> choices;
  bool required = false;

  bool is_switch() const {
    return std::holds_alternative<bool*>(target) || std::holds_alternative<std::optional<bool>*>(target);
  }
  bool is_list() const { return std::holds_alternative<std::vector<std::string>*>(target); }
};

struct Example {
  std::string command;
  std::string what;
};

struct Verb {
  std::string path;     // "topic create"
  std::string summary;  // one line
  std::string details;  // what one must know; may be empty
  std::vector<Argument> positionals;
  std::vector<Argument> flags;
  std::vector<Example> examples;
  std::vector<int> exits;  // besides 0, 1 and 2
  // run() looks at interrupted(); else SIGINT and SIGTERM end the process at once.
  bool looks_for_interrupts = false;
  std::function<int()> run;

  Argument& positional(std::string name, std::string help, Target target);
  Argument& flag(std::string name, std::string value_name, std::string help, Target target);
};

// Fills the targets. invalid_argument: unknown flag (with the nearest known one), missing or extra value, bad number, a
// name that is not UTF-8.
Status parse_arguments(const Verb& verb, const std::vector<std::string>& arguments);

// " (did you mean 'X'?)" when one of `known` is near enough to be meant, else nothing.
std::string did_you_mean(const std::string& given, const std::vector<std::string>& known);

}  // namespace logcask::cli
