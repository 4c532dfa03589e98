#include "cli/completion.h"

#include <set>

namespace logcask::cli {
namespace {

// Silent and quick when no broker is there.
constexpr const char* kListTopics = "logcask topic list 2>/dev/null | awk 'NR > 1 {print $1}'";

std::string first_word(const std::string& path) { return path.substr(0, path.find(' ')); }

bool in_group(const Verb& verb) { return verb.path.find(' ') != std::string::npos; }

std::string first_words(const std::vector<Verb>& verbs) {
  std::set<std::string> seen;
  std::string out;
  for (const auto& verb : verbs)
    if (seen.insert(first_word(verb.path)).second) out += (out.empty() ? "" : " ") + first_word(verb.path);
  return out;
}

std::string second_words(const std::vector<Verb>& verbs, const std::string& group) {
  std::string out;
  for (const auto& verb : verbs)
    if (in_group(verb) && first_word(verb.path) == group)
      out += (out.empty() ? "" : " ") + verb.path.substr(group.size() + 1);
  return out;
}

std::string joined_choices(const Argument& argument) {
  std::string out;
  for (const auto& choice : argument.choices) out += (out.empty() ? "" : " ") + choice;
  return out;
}

// Does the verb take a topic as its first argument?
bool takes_topic(const Verb& verb) {
  return !verb.positionals.empty() &&
         (verb.positionals[0].name == "TOPIC" || (verb.positionals[0].name == "NAME" && verb.path != "topic create"));
}

bool takes_file(const Verb& verb) {
  return !verb.positionals.empty() && (verb.positionals[0].name == "FILE" || verb.positionals[0].name == "DIR");
}

std::string shell_quoted(const std::string& text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string bash_verb_case(const Verb& verb) {
  std::string flags = "--help";
  std::string values;
  for (const auto& flag : verb.flags) {
    flags += " " + flag.name;
    if (flag.is_switch()) continue;
    const std::string names = flag.alias.empty() ? flag.name : flag.name + "|" + flag.alias;
    if (!flag.choices.empty())
      values += "        " + names + ") COMPREPLY=($(compgen -W '" + joined_choices(flag) +
                "' -- \"$current\")); return ;;\n";
    else if (flag.value_name == "F" || flag.value_name == "FILE" || flag.value_name == "DIR")
      values += "        " + names + ") COMPREPLY=($(compgen -f -- \"$current\")); return ;;\n";
    else if (flag.value_name == "TOPIC")
      values +=
          "        " + names + ") COMPREPLY=($(compgen -W \"$(" + kListTopics + ")\" -- \"$current\")); return ;;\n";
    else
      values += "        " + names + ") return ;;\n";
  }
  std::string out = "    '" + verb.path + "')\n";
  if (!values.empty()) out += "      case \"$previous\" in\n" + values + "      esac\n";
  out += "      if [[ $current == -* ]]; then COMPREPLY=($(compgen -W '" + flags + "' -- \"$current\")); return; fi\n";
  if (takes_topic(verb))
    out += "      COMPREPLY=($(compgen -W \"$(" + std::string(kListTopics) + ")\" -- \"$current\"))\n";
  if (takes_file(verb)) out += "      COMPREPLY=($(compgen -f -- \"$current\"))\n";
  if (verb.path == "completion") out += "      COMPREPLY=($(compgen -W 'bash zsh fish' -- \"$current\"))\n";
  return out + "      ;;\n";
}

std::set<std::string> groups_of(const std::vector<Verb>& verbs) {
  std::set<std::string> groups;
  for (const auto& verb : verbs)
    if (in_group(verb)) groups.insert(first_word(verb.path));
  return groups;
}

// The body that bash and (through bashcompinit) zsh share.
std::string bash_function(const std::vector<Verb>& verbs) {
  std::string out =
      "_logcask() {\n"
      "  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} verb=${COMP_WORDS[1]}\n"
      "  COMPREPLY=()\n"
      "  if [[ $COMP_CWORD -eq 1 ]]; then COMPREPLY=($(compgen -W '" +
      first_words(verbs) + " --help --version' -- \"$current\")); return; fi\n  case \"$verb\" in\n";
  for (const auto& group : groups_of(verbs))
    out += "    " + group + ")\n      if [[ $COMP_CWORD -eq 2 ]]; then COMPREPLY=($(compgen -W '" +
           second_words(verbs, group) +
           "' -- \"$current\")); return; fi\n      verb=\"$verb ${COMP_WORDS[2]}\"\n      ;;\n";
  out += "  esac\n  case \"$verb\" in\n";
  for (const auto& verb : verbs) out += bash_verb_case(verb);
  return out + "  esac\n}\n";
}

}  // namespace

std::string bash_completion(const std::vector<Verb>& verbs) {
  return "# bash completion for logcask: source <(logcask completion bash)\n" + bash_function(verbs) +
         "complete -F _logcask logcask\n";
}

std::string zsh_completion(const std::vector<Verb>& verbs) {
  return "#compdef logcask\n# zsh completion for logcask: source <(logcask completion zsh)\n"
         "autoload -U +X bashcompinit && bashcompinit\n" +
         bash_function(verbs) + "complete -F _logcask logcask\n";
}

std::string fish_completion(const std::vector<Verb>& verbs) {
  std::string out = "# fish completion for logcask: logcask completion fish | source\ncomplete -c logcask -f\n";
  std::set<std::string> seen;
  for (const auto& verb : verbs) {
    const std::string first = first_word(verb.path);
    if (seen.insert(first).second)
      out += "complete -c logcask -n __fish_use_subcommand -a " + first + " -d " +
             shell_quoted(in_group(verb) ? "verbs of " + first : verb.summary) + "\n";
    std::string when = "__fish_seen_subcommand_from " + first;
    if (in_group(verb)) {
      const std::string second = verb.path.substr(first.size() + 1);
      out += "complete -c logcask -n " +
             shell_quoted(when + "; and not __fish_seen_subcommand_from " + second_words(verbs, first)) + " -a " +
             second + " -d " + shell_quoted(verb.summary) + "\n";
      when += "; and __fish_seen_subcommand_from " + second;
    }
    for (const auto& flag : verb.flags) {
      out += "complete -c logcask -n " + shell_quoted(when) + " -l " + flag.name.substr(2);
      if (!flag.alias.empty()) out += " -s " + flag.alias.substr(1);
      if (!flag.is_switch()) out += " -r";
      if (!flag.choices.empty()) out += " -a " + shell_quoted(joined_choices(flag));
      if (flag.value_name == "F" || flag.value_name == "FILE" || flag.value_name == "DIR") out += " -F";
      out += " -d " + shell_quoted(flag.help) + "\n";
    }
    if (takes_topic(verb))
      out += "complete -c logcask -n " + shell_quoted(when) + " -a " +
             shell_quoted("(" + std::string(kListTopics) + ")") + "\n";
    if (takes_file(verb)) out += "complete -c logcask -n " + shell_quoted(when) + " -F\n";
    if (verb.path == "completion") out += "complete -c logcask -n " + shell_quoted(when) + " -a 'bash zsh fish'\n";
  }
  return out;
}

}  // namespace logcask::cli
