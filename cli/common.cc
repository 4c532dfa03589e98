#include "cli/common.h"

#include <cstdlib>

#include "cli/exit_code.h"
#include "cli/output.h"

namespace logcask::cli {

std::string default_broker() {
  const char* given = std::getenv("LOGCASK_BROKER");
  return given != nullptr && *given != '\0' ? given : "127.0.0.1:7440";
}

void add_broker_flag(Verb& verb, std::string* broker) {
  *broker = default_broker();
  verb.flag("--broker", "HOST:PORT", "the broker (default: LOGCASK_BROKER, else 127.0.0.1:7440)", broker);
}

void add_write_timeout_flag(Verb& verb, std::int64_t* timeout_ms) {
  verb.flag("--timeout", "MS",
            "how long a record may take to be acknowledged, an outage of the broker included (default " +
                std::to_string(kWriteTimeoutMs) + ")",
            Number{timeout_ms, 1, 86'400'000});
}

void add_output_flag(Verb& verb, std::string* format, std::vector<std::string> choices) {
  if (format->empty()) *format = choices.front();
  Argument& flag = verb.flag("--output", "FORM", "the form of what is printed", format);
  flag.alias = "-o";
  flag.choices = std::move(choices);
}

std::string_view mend_for(Errc code) {
  switch (code) {
    case Errc::unknown_topic:
      return "; 'logcask topic list' names those there are, 'logcask topic create' makes one";
    case Errc::group_id_not_found:
      return "; 'logcask group list' names those there are";
    case Errc::message_too_large:
      return " ('logcask topic alter --config max.message.bytes=N' raises the topic's limit)";
    case Errc::frame_too_large:
      return " (the broker's frame.max.bytes)";
    default:
      return "";
  }
}

namespace {

void print_with_mend(const Error& error) { print_error(error.to_string() + std::string(mend_for(error.code))); }

}  // namespace

int fail(const Error& error) {
  print_with_mend(error);
  return exit_code_for(error.code);
}

int fail_input(const Error& error) {
  print_with_mend(error);
  return exit_code_for_input(error.code);
}

Result<std::map<std::string, std::string>> parse_settings(const std::vector<std::string>& settings) {
  std::map<std::string, std::string> parsed;
  for (const auto& setting : settings) {
    const std::size_t equals = setting.find('=');
    if (equals == std::string::npos || equals == 0)
      return Error{Errc::invalid_argument, "--config wants NAME=VALUE, not '" + setting + "'"};
    if (!parsed.emplace(setting.substr(0, equals), setting.substr(equals + 1)).second)
      return Error{Errc::invalid_argument, "--config " + setting.substr(0, equals) + " is given twice"};
  }
  return parsed;
}

}  // namespace logcask::cli
