#pragma once
// One include for Catch2 version 2 (Debian 12) and version 3 (newer). Keep to the macros both have:
// TEST_CASE, SECTION, GENERATE, REQUIRE, CHECK, INFO, CAPTURE, FAIL.
// With LOGCASK_PLAIN_CHECKS the checks come without Catch2: see plain_checks.h.
#if defined(LOGCASK_PLAIN_CHECKS)
#include "tests/support/plain_checks.h"
#elif __has_include(<catch2/catch_test_macros.hpp>)
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#else
#include <catch2/catch.hpp>
#endif

// REQUIRE_OK(expr): the Result or Status must be ok; prints the error when it is not.
#define REQUIRE_OK(expr)                                                                        \
  do {                                                                                          \
    auto&& logcask_require_ok_ = (expr);                                                        \
    if (!logcask_require_ok_.ok()) FAIL(#expr ": " << logcask_require_ok_.error().to_string()); \
  } while (false)
