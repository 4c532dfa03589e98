#pragma once
// Workload files: TOML whose names are the knobs of sizing/workload.h, and `about`. Three are shipped.

#include <set>
#include <string>

#include "base/result.h"
#include "sizing/workload.h"

namespace logcask::cli {

// A workload, and the knobs that it does not leave at their defaults.
struct ToldWorkload {
  sizing::Workload workload;
  std::set<std::string, std::less<>> told;
  // Of those that are not told: reckoned from a live topic, not known.
  std::set<std::string, std::less<>> reckoned;
};

// `given`: a file, or the bare name of a shipped one ("photo-blobs"). not_found names those there are; invalid_config
// names the file, and the line or the knob.
Result<ToldWorkload> read_workload(const std::string& given);

// The file's text, for tests. `name` is what the workload is called, `where` what errors call it.
Result<ToldWorkload> parse_workload(const std::string& text, const std::string& name, const std::string& where);

}  // namespace logcask::cli
