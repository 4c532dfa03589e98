#pragma once
// What most verbs share: the broker flag, the output flag, how an error ends a verb.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/args.h"

namespace logcask::cli {

// --broker; its default is LOGCASK_BROKER or the native listener's.
std::string default_broker();
void add_broker_flag(Verb& verb, std::string* broker);
// -o, --output; the first choice is the default.
void add_output_flag(Verb& verb, std::string* format, std::vector<std::string> choices = {"text", "json"});

// What the program adds to the broker's words: "; 'logcask topic list' names ...", or nothing.
std::string_view mend_for(Errc code);
// Prints the error, with its mend, as one line on stderr and returns its exit code.
int fail(const Error& error);
// The same for an error about a record that was to be written.
int fail_input(const Error& error);

// --timeout of a verb that writes: how long a record may take to be acknowledged, outages included.
inline constexpr std::int64_t kWriteTimeoutMs = 120'000;
void add_write_timeout_flag(Verb& verb, std::int64_t* timeout_ms);

// "k=v" flags; invalid_argument names the one without '='.
Result<std::map<std::string, std::string>> parse_settings(const std::vector<std::string>& settings);

}  // namespace logcask::cli

// Leaves a verb's run function with the error printed and its exit code.
#define LOGCASK_CLI_TRY(expr)                                           \
  do {                                                                  \
    if (auto logcask_cli_try_ = (expr); !logcask_cli_try_.ok())         \
      return ::logcask::cli::fail(std::move(logcask_cli_try_).error()); \
  } while (false)
#define LOGCASK_CLI_ASSIGN(decl, expr) \
  LOGCASK_CLI_ASSIGN_IMPL(LOGCASK_CONCAT(logcask_cli_result_, __LINE__), decl, expr)
#define LOGCASK_CLI_ASSIGN_IMPL(tmp, decl, expr)                      \
  auto tmp = (expr);                                                  \
  if (!tmp.ok()) return ::logcask::cli::fail(std::move(tmp).error()); \
  decl = std::move(tmp).value()
