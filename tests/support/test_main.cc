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
  Catch::Session session;
  if (session.applyCommandLine(argc, argv) != 0) return 1;
#if !__has_include(<catch2/catch_session.hpp>)
  // A name that matches no test (ctest splits names at semicolons) is a failure, as it is by itself in version 3.
  session.configData().warnings =
      static_cast<Catch::WarnAbout::What>(session.configData().warnings | Catch::WarnAbout::NoTests);
#endif
  if (session.run() != 0) return 1;
  return skipped ? kSkipped : 0;
}
