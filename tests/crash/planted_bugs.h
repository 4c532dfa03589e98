#pragma once
// The check of the checks: a sync is forgotten on purpose, and the enumeration must notice; where no promise rests on
// the sync, it must not.

namespace logcask::testing {

// Prints a line for each; false when one was missed or found where there is none.
bool find_planted_bugs();

}  // namespace logcask::testing
