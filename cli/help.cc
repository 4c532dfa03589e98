#include "cli/help.h"

#include <algorithm>

#include "cli/exit_code.h"

namespace logcask::cli {
namespace {

constexpr std::size_t kWidth = 100;

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(text.size(), width), ' ');
  return text;
}

// Breaks at spaces so that no line is longer than the width; every line is indented.
std::string wrapped(const std::string& text, std::size_t indent) {
  std::string out, line(indent, ' ');
  std::size_t at = 0;
  while (at < text.size()) {
    std::size_t end = std::min(text.find(' ', at), text.size());
    const std::string word = text.substr(at, end - at);
    if (line.size() > indent && line.size() + 1 + word.size() > kWidth) {
      out += line + "\n";
      line.assign(indent, ' ');
    }
    line += (line.size() > indent ? " " : "") + word;
    at = end + 1;
  }
  return out + line + "\n";
}

std::string usage_line(const Verb& verb) {
  std::string out = "logcask " + verb.path;
  for (const auto& argument : verb.positionals) {
    const std::string name = argument.name + (argument.is_list() ? "..." : "");
    out += argument.required ? " " + name : " [" + name + "]";
  }
  for (const auto& flag : verb.flags)
    if (flag.required) out += " " + flag.name + " " + flag.value_name;
  const bool optional =
      std::any_of(verb.flags.begin(), verb.flags.end(), [](const auto& flag) { return !flag.required; });
  return out + (optional ? " [flags]" : "");
}

std::string shown_value(const Argument& flag) {
  if (flag.choices.empty()) return flag.value_name;
  std::string out;
  for (const auto& choice : flag.choices) out += (out.empty() ? "" : "|") + choice;
  return out;
}

std::string shown_flag(const Argument& flag) {
  std::string out = flag.alias.empty() ? flag.name : flag.alias + ", " + flag.name;
  if (!flag.is_switch()) out += " " + shown_value(flag);
  return out;
}

std::string shown_help(const Argument& argument) {
  return argument.help + (argument.is_list() && argument.name[0] == '-' ? " (may be given several times)" : "");
}

void append_rows(std::string& out, const std::vector<std::pair<std::string, std::string>>& rows) {
  std::size_t width = 0;
  for (const auto& [left, right] : rows)
    if (left.size() <= 34) width = std::max(width, left.size());
  for (const auto& [left, right] : rows) {
    std::string text = wrapped(right, width + 4);
    if (left.size() <= width)
      text.replace(0, width + 4, "  " + padded(left, width) + "  ");
    else
      text = "  " + left + "\n" + text;
    out += text;
  }
}

std::vector<int> exits_of(const Verb& verb) {
  std::vector<int> codes = {kExitOk, kExitFailed, kExitUsage};
  codes.insert(codes.end(), verb.exits.begin(), verb.exits.end());
  std::sort(codes.begin(), codes.end());
  return codes;
}

std::string group_of(const Verb& verb) {
  const std::size_t space = verb.path.find(' ');
  return space == std::string::npos ? "" : verb.path.substr(0, space);
}

constexpr const char* kGlobalHelp =
    "The broker is --broker HOST:PORT, else the environment's LOGCASK_BROKER, else 127.0.0.1:7440.\n"
    "Every verb has --help with its flags, examples and exit codes.\n";

}  // namespace

std::string overview_help(const std::vector<Verb>& verbs) {
  std::string out = "logcask: a log broker for changelogs; every key's latest value is one lookup away\n\nVerbs:\n";
  std::vector<std::pair<std::string, std::string>> rows;
  for (const auto& verb : verbs) rows.emplace_back(verb.path, verb.summary);
  append_rows(out, rows);
  return out + "\n" + kGlobalHelp + "logcask --version prints the version.\n";
}

std::string group_help(const std::vector<Verb>& verbs, const std::string& group) {
  std::string out = "Verbs of logcask " + group + ":\n";
  std::vector<std::pair<std::string, std::string>> rows;
  for (const auto& verb : verbs)
    if (group_of(verb) == group) rows.emplace_back(verb.path, verb.summary);
  append_rows(out, rows);
  return out;
}

std::string verb_help(const Verb& verb) {
  std::string out = wrapped(verb.summary, 0) + "\nUsage: " + usage_line(verb) + "\n";
  if (!verb.details.empty()) out += "\n" + wrapped(verb.details, 0);
  std::vector<std::pair<std::string, std::string>> rows;
  for (const auto& argument : verb.positionals) rows.emplace_back(argument.name, shown_help(argument));
  if (!rows.empty()) out += "\nArguments:\n";
  append_rows(out, rows);
  rows.clear();
  for (const auto& flag : verb.flags) rows.emplace_back(shown_flag(flag), shown_help(flag));
  if (!rows.empty()) out += "\nFlags:\n";
  append_rows(out, rows);
  if (!verb.examples.empty()) out += "\nExamples:\n";
  for (const auto& example : verb.examples) out += "  # " + example.what + "\n  " + example.command + "\n";
  out += "\nExit codes:\n";
  rows.clear();
  for (const int code : exits_of(verb)) rows.emplace_back(std::to_string(code), std::string(exit_meaning(code)));
  append_rows(out, rows);
  return out;
}

std::string cli_reference(const std::vector<Verb>& verbs) {
  std::string out =
      "# Command line\n\n"
      "<!-- Generated: logcask --print-cli-reference > docs/CLI.md. A test compares this page with the program. -->\n\n"
      "One binary, `logcask`; the server is the verb `serve`. Everything is a flag, an argument or an environment "
      "variable;\n"
      "there is no state in the user's home.\n\n"
      "## For every verb\n\n"
      "- The broker is `--broker HOST:PORT`, else `LOGCASK_BROKER`, else `127.0.0.1:7440`.\n"
      "- `-o text|json` where a verb prints; `raw` where it prints records. JSON is one object a line.\n"
      "- Errors are one line on stderr: what, where, and how to mend it. Progress bars go to stderr and only to a "
      "terminal\n"
      "  (never with `NO_COLOR` or `CI` set).\n"
      "- `--` ends the flags: `logcask get t -- -key`.\n\n"
      "## Forms of a record\n\n"
      "Text is `key<TAB>value`, both byte for byte as they stand; an empty value is an empty field. Only a record that "
      "such a line\n"
      "would not give back (a null, a line feed, a CR at the end, a tab in the key, a key that begins like an escaped "
      "line or a\n"
      "byte order mark) is escaped: its line begins with `\\:`, then come key and value with `\\t \\n \\r \\\\ \\xHH` "
      "for what a line\n"
      "cannot hold, and `\\N` for null. So `\\:k<TAB>\\N` deletes `k`. `produce` reads a line that begins with `\\:` "
      "as "
      "escaped and says\n"
      "so once, every other line as it stands. Lines may be sorted, filtered and cut. On a terminal lines with control "
      "characters\n"
      "are escaped, too. `get` of one key prints the value's bytes and a newline.\n\n"
      "JSON has the fields `topic partition offset timestamp key value headers tombstone`; `key_base64` and "
      "`value_base64` stand for bytes that are not UTF-8, a tombstone has\n"
      "`\"value\":null,\"tombstone\":true`. Raw is, per record, a big-endian 32-bit length of the key (-1 = null), the "
      "key, the\n"
      "same for the value. `produce` takes each form as any verb prints it (of JSON it passes over `caught_up` and "
      "absent keys, and\n"
      "says so); a null value, an empty value and the text "
      "`null`\n"
      "stay three different things. `get -o raw` prints the bytes of the value and nothing else.\n\n"
      "Text and raw hold keys and values only: to copy timestamps and headers, too, go through JSON. Of its fields "
      "`produce`\n"
      "passes over `topic`, `partition` and `offset`.\n\n"
      "## Exit codes\n\n| code | meaning |\n|---|---|\n";
  for (const auto& note : exit_notes())
    out += "| " + std::to_string(note.code) + " | " + std::string(note.meaning) + " |\n";
  out += "\n## Verbs\n";
  for (const auto& verb : verbs) out += "\n### logcask " + verb.path + "\n\n```text\n" + verb_help(verb) + "```\n";
  return out;
}

}  // namespace logcask::cli
