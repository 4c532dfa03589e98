// The table of docs/KAFKA.md says what the listener says.
#include <algorithm>
#include <fstream>
#include <string>
#include <vector>

#include "proto/kafka/api.h"
#include "tests/support/catch.h"

namespace logcask::kafka {
namespace {

TEST_CASE("docs/KAFKA.md names every request that is served, with its versions, and no other", "[kafka]") {
  std::ifstream file(LOGCASK_SOURCE_DIR "/docs/KAFKA.md");
  std::string line;
  std::vector<std::string> rows;
  bool in_table = false;
  while (std::getline(file, line)) {
    if (line.rfind("| request | versions |", 0) == 0) in_table = true;
    if (line.empty()) in_table = false;
    if (in_table && line.rfind("| request", 0) != 0 && line.rfind("|---", 0) != 0)
      rows.push_back(line.substr(0, line.find('|', line.find('|', 1) + 1) + 1));
  }
  for (const Api& api : apis()) {
    const std::string versions = api.min_version == api.max_version
                                     ? std::to_string(api.min_version)
                                     : std::to_string(api.min_version) + " to " + std::to_string(api.max_version);
    const std::string row = "| " + std::string(api.name) + " | " + versions + " |";
    INFO(row);
    CHECK(std::count(rows.begin(), rows.end(), row) == 1);
  }
  CHECK(rows.size() == apis().size());
}

}  // namespace
}  // namespace logcask::kafka
