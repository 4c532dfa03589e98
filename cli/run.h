#pragma once
// The program: finds the verb, parses its arguments, runs it.

#include <string>
#include <vector>

#include "cli/args.h"

namespace logcask::cli {

// `words` without the program's name. Returns the exit code.
int run_program(const std::vector<Verb>& verbs, std::vector<std::string> words);

}  // namespace logcask::cli
