// The main function of every test program.
#if __has_include(<catch2/catch_session.hpp>)
#include <catch2/catch_session.hpp>
#else
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#endif

#include <iostream>

#include "tests/support/skip.h"

namespace {

// What ctest knows as SKIP_RETURN_CODE (tests/CMakeLists.txt). Failures are 1, however many.
constexpr int kSkipped = 77;
bool skipped = false;

}  // namespace

void logcask::testing::skip(const std::string& why) {
  std::cout << "SKIPPED: " << why << "\n";
  skipped = true;
}

int main(int argc, char** argv) {
  if (Catch::Session().run(argc, argv) != 0) return 1;
  return skipped ? kSkipped : 0;
}
