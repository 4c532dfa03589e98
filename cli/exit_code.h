#pragma once
// The exit codes of every verb (docs/CLI.md). Scripts depend on them: never renumber.

#include <span>
#include <string_view>

#include "base/errc.h"

namespace logcask::cli {

enum ExitCode : int {
  kExitOk = 0,
  kExitFailed = 1,
  kExitUsage = 2,
  kExitAbsent = 3,
  kExitUnreachable = 4,
  kExitCondition = 5,
  kExitTryAgain = 6,
  kExitBadInput = 7,
  kExitDamaged = 8,
  kExitTight = 9,
  kExitNoFit = 10,
  kExitInterrupted = 130,
};

struct ExitNote {
  int code;
  std::string_view meaning;
};
// Every code, in number order.
std::span<const ExitNote> exit_notes();
std::string_view exit_meaning(int code);

// The exit code an error ends a verb with.
int exit_code_for(Errc code);
// The same for a verb that writes what it was given: a record that is malformed or too large is the input's fault,
// whoever finds it (the reader, the client or the broker).
int exit_code_for_input(Errc code);

}  // namespace logcask::cli
