#include "cli/args.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "base/mutant.h"
#include "base/utf8.h"
#include "broker/settings/setting.h"
#include "cli/foreign_words.h"

namespace logcask::cli {
namespace {

Error usage(const std::string& what) { return Error{Errc::invalid_argument, what}; }

std::string joined(const std::vector<std::string>& words, const std::string& between) {
  std::string out;
  for (const auto& word : words) out += (out.empty() ? "" : between) + word;
  return out;
}

Status store_number(const Argument& argument, const Number& number, const std::string& value) {
  std::int64_t parsed = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), parsed);
  if (error != std::errc() || end != value.data() + value.size())
    return usage(argument.name + " wants a whole number, not '" + value + "'");
  if (parsed < number.min || parsed > number.max) {
    const bool open = number.max == std::numeric_limits<std::int64_t>::max();
    return usage(argument.name + " must be " +
                 (open ? std::to_string(number.min) + " or more"
                       : "between " + std::to_string(number.min) + " and " + std::to_string(number.max)) +
                 ", not " + value);
  }
  std::visit([&](auto* target) { *target = parsed; }, number.target);
  return {};
}

Status store_switch(const Argument& argument, bool on) {
  if (!on && mutant(Mutant::false_switch_unheard)) return {};
  if (auto* const* maybe = std::get_if<std::optional<bool>*>(&argument.target))
    **maybe = on;
  else
    *std::get<bool*>(argument.target) = on;
  return {};
}

// Names, which the broker takes as text; keys, values and files are any bytes.
bool wants_text(const Argument& argument) {
  static const std::set<std::string> kNames = {"TOPIC", "GROUP", "NAME", "NAME=VALUE", "G", "ID"};
  return kNames.contains(argument.value_name.empty() ? argument.name : argument.value_name);
}

Status store(const Argument& argument, const std::string& value) {
  if (wants_text(argument) && !valid_utf8(value))
    return usage(argument.name + " must be UTF-8, and '" + utf8_text(value) + "' is not");
  if (!argument.choices.empty() &&
      std::find(argument.choices.begin(), argument.choices.end(), value) == argument.choices.end())
    return usage(argument.name + " must be one of " + joined(argument.choices, ", ") + ", not '" + value + "'");
  if (const auto* number = std::get_if<Number>(&argument.target)) return store_number(argument, *number, value);
  if (auto* const* text = std::get_if<std::string*>(&argument.target)) **text = value;
  if (auto* const* maybe = std::get_if<std::optional<std::string>*>(&argument.target)) **maybe = value;
  if (auto* const* list = std::get_if<std::vector<std::string>*>(&argument.target)) (*list)->push_back(value);
  return {};
}

const Argument* find_flag(const Verb& verb, const std::string& name) {
  for (const auto& flag : verb.flags)
    if (flag.name == name || (!flag.alias.empty() && flag.alias == name)) return &flag;
  return nullptr;
}

std::vector<std::string> flag_names(const Verb& verb) {
  std::vector<std::string> names;
  for (const auto& flag : verb.flags) names.push_back(flag.name);
  return names;
}

// One pass over the words of a command line.
class Parser {
 public:
  Parser(const Verb& verb, const std::vector<std::string>& words) : verb_(verb), words_(words) {}

  Status run() {
    while (next_ < words_.size()) {
      const std::string& word = words_[next_++];
      if (!flags_ended_ && word == "--")
        flags_ended_ = true;
      else if (!flags_ended_ && word.size() > 1 && word[0] == '-')
        LOGCASK_TRY(take_flag(word));
      else
        LOGCASK_TRY(take_positional(word));
    }
    return check_required();
  }

 private:
  Status take_flag(const std::string& word) {
    // "-o=x" and "--name=x"; a name never holds '='.
    const std::size_t equals = word.find('=');
    const std::string name = word.substr(0, equals);
    const Argument* flag = find_flag(verb_, name);
    if (flag == nullptr)
      return usage("unknown flag '" + name + "'" + what_is_meant(name) + "; see logcask " + verb_.path +
                   " --help (a word that starts with '-' goes behind --)");
    if (!seen_.insert(flag->name).second && !flag->is_list()) return usage(flag->name + " is given twice");
    if (flag->is_switch()) {
      const std::string value = equals == std::string::npos ? "true" : word.substr(equals + 1);
      if (value != "true" && value != "false")
        return usage(flag->name + " takes no value, or =true or =false, not '" + value + "'");
      return store_switch(*flag, value == "true");
    }
    if (equals != std::string::npos) return store(*flag, word.substr(equals + 1));
    if (next_ == words_.size()) return usage(flag->name + " wants a value: " + flag->name + " " + flag->value_name);
    return store(*flag, words_[next_++]);
  }

  // A dotted name is a setting's, and those go through --set or --config.
  std::string what_is_meant(const std::string& name) const {
    if (name.starts_with("--") && name.find('.') != std::string::npos)
      for (const auto& flag : verb_.flags)
        if (flag.value_name == "NAME=VALUE") return " (did you mean '" + flag.name + " " + name.substr(2) + "=VALUE'?)";
    const std::string foreign = foreign_flag_hint(verb_.path, name);
    return foreign.empty() ? did_you_mean(name, flag_names(verb_)) : foreign;
  }

  Status take_positional(const std::string& word) {
    if (position_ == verb_.positionals.size()) return usage("one argument too many: '" + word + "'" + form());
    const Argument& argument = verb_.positionals[position_];
    seen_.insert(argument.name);
    if (!argument.is_list()) ++position_;
    return store(argument, word);
  }

  Status check_required() const {
    for (const auto* group : {&verb_.positionals, &verb_.flags})
      for (const auto& argument : *group)
        if (argument.required && !seen_.contains(argument.name)) return usage(argument.name + " is missing" + form());
    return {};
  }

  std::string form() const {
    std::string out = "; the form is: logcask " + verb_.path;
    for (const auto& argument : verb_.positionals) out += " " + argument.name + (argument.is_list() ? "..." : "");
    for (const auto& flag : verb_.flags)
      if (flag.required) out += " " + flag.name + " " + flag.value_name;
    return out;
  }

  const Verb& verb_;
  const std::vector<std::string>& words_;
  std::size_t next_ = 0;
  std::size_t position_ = 0;
  bool flags_ended_ = false;
  std::set<std::string> seen_;
};

}  // namespace

Argument& Verb::positional(std::string name, std::string help, Target target) {
  positionals.push_back({std::move(name), "", "", std::move(help), target, {}, true});
  return positionals.back();
}

Argument& Verb::flag(std::string name, std::string value_name, std::string help, Target target) {
  flags.push_back({std::move(name), "", std::move(value_name), std::move(help), target, {}, false});
  return flags.back();
}

Status parse_arguments(const Verb& verb, const std::vector<std::string>& arguments) {
  return Parser(verb, arguments).run();
}

std::string did_you_mean(const std::string& given, const std::vector<std::string>& known) {
  const std::vector<std::string_view> names(known.begin(), known.end());
  const auto near = nearest_name(given, names);
  return near ? " (did you mean '" + std::string(*near) + "'?)" : "";
}

}  // namespace logcask::cli
