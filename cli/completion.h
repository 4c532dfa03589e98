#pragma once
// Completion scripts for shells, from the table of verbs. Topic names are asked of the broker while completing.

#include <string>
#include <vector>

#include "cli/args.h"

namespace logcask::cli {

std::string bash_completion(const std::vector<Verb>& verbs);
std::string zsh_completion(const std::vector<Verb>& verbs);
std::string fish_completion(const std::vector<Verb>& verbs);

}  // namespace logcask::cli
