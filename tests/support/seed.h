#pragma once
// The seed of random tests: LOGCASK_TEST_SEED, else a fixed default. INFO it so that a failure can be repeated.

#include <cstdint>

namespace logcask::testing {

std::uint64_t test_seed(std::uint64_t fallback = 20240607);

}  // namespace logcask::testing
