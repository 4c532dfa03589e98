#include "base/result.h"

#include <cerrno>
#include <csignal>
#include <memory>

#include "tests/support/catch.h"
#include "tests/support/child_process.h"

using namespace logcask;

namespace {

Result<int> half(int n) {
  if (n % 2 != 0) return Error{Errc::invalid_argument, "odd"};
  return n / 2;
}

Result<std::unique_ptr<int>> quarter(int n) {
  LOGCASK_ASSIGN(const int once, half(n));
  LOGCASK_ASSIGN(const int twice, half(once));
  return std::make_unique<int>(twice);
}

Status check_even(int n) {
  LOGCASK_TRY(half(n));
  return {};
}

}  // namespace

TEST_CASE("errors leave through the macros, values come out", "[base]") {
  CHECK(**quarter(8) == 2);
  CHECK(quarter(6).code() == Errc::invalid_argument);
  CHECK(check_even(4).ok());
  CHECK(check_even(5).error().message == "odd");
  CHECK(Error{Errc::io_error, "x"}.in("file").message == "file: x");
}

TEST_CASE("errno maps to a code and names what was tried", "[base]") {
  CHECK(error_from_errno(ENOSPC, "write a.log").code == Errc::storage_full);
  CHECK(error_from_errno(EIO, "x").code == Errc::io_error);
  CHECK(error_from_errno(ENOENT, "open b").to_string() == "not_found: open b: No such file or directory");
}

// In a process of its own, since that is what ends.
TEST_CASE("the value of an error ends the process with the error's text", "[base]") {
  const testing::ChildEnd end = testing::in_child_process([] { static_cast<void>(half(3).value()); });
  REQUIRE(WIFSIGNALED(end.status));
  CHECK(WTERMSIG(end.status) == SIGABRT);
  CHECK(end.said == "logcask: the value of a failed call was taken: invalid_argument: odd\n");
}
