#pragma once
// Opens a damaged image and reads everything in every way; says what came of it, or what rule was broken.

#include <map>
#include <string>

#include "tests/damage/data_set.h"

namespace logcask::testing {

enum class Outcome {
  harmless,     // everything right, nothing noticed
  rebuilt,      // everything right, and the report or the files say that something was mended
  cut,          // everything promised is there; a tail that no sync had covered was cut, and the report says so
  named_error,  // opening or reading at the damage fails and names the file; the rest is right
};
const char* outcome_name(Outcome outcome);

// Prepares what checks share; reads the undamaged set.
class Checker {
 public:
  explicit Checker(const DataSet& set);
  ~Checker();

  struct Verdict {
    Outcome outcome = Outcome::harmless;
    std::string broken;  // the rule that was broken; empty = none
    std::string detail;  // report, errors
  };
  // `path`: the damaged file. Opens, reads, appends and, with `again`, is killed, opens and reads again.
  Verdict check(const std::string& path, const std::optional<std::string>& content, bool machine_reset, bool again);
  // The same with everything compacted that can be, before it is read.
  Verdict check_compaction(const std::string& path, const std::optional<std::string>& content);
  // The file is damaged after the set was opened.
  Verdict check_while_open(const std::string& path, const std::string& content);

 private:
  struct Parts;
  class Run;
  const DataSet& set_;
  const std::unique_ptr<Parts> parts_;
};

}  // namespace logcask::testing
