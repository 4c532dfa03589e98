#pragma once
// A test whose facility the machine lacks says so and returns: ctest then lists it as skipped, unless something failed.

#include <string>

namespace logcask::testing {

// Prints "SKIPPED: why". The caller returns.
void skip(const std::string& why);

}  // namespace logcask::testing
