#include "tests/support/seed.h"

#include <cstdlib>
#include <string>

namespace logcask::testing {

std::uint64_t test_seed(std::uint64_t fallback) {
  const char* text = std::getenv("LOGCASK_TEST_SEED");
  return text && *text ? std::strtoull(text, nullptr, 10) : fallback;
}

}  // namespace logcask::testing
