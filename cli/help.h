#pragma once
// What --help prints, and docs/CLI.md: both from the table of verbs.

#include <string>
#include <vector>

#include "cli/args.h"

namespace logcask::cli {

// `logcask --help`: every verb with its summary.
std::string overview_help(const std::vector<Verb>& verbs);
// `logcask topic`: the verbs of one group.
std::string group_help(const std::vector<Verb>& verbs, const std::string& group);
// `logcask topic create --help`.
std::string verb_help(const Verb& verb);
// docs/CLI.md.
std::string cli_reference(const std::vector<Verb>& verbs);

}  // namespace logcask::cli
