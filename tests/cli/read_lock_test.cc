#include "cli/read_lock.h"

#include "segment/posix_file.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

using namespace logcask;
using namespace logcask::cli;

TEST_CASE(
    "a data directory is held for reading without a byte written, by any number of readers, and never beside a "
    "broker") {
  const testing::TempDir temp;
  auto directory = open_posix_directory(temp.path());
  REQUIRE_OK(directory);
  auto nothing = lock_for_reading(temp.path(), "LOCK");
  REQUIRE_OK(nothing);
  CHECK(*nothing == nullptr);
  CHECK((*directory)->list()->empty());
  {
    const auto broker = (*directory)->lock("LOCK");
    REQUIRE_OK(broker);
    CHECK(lock_for_reading(temp.path(), "LOCK").code() == Errc::in_use);
  }
  const std::string before = *read_file(**directory, "LOCK", 100);
  const auto one = lock_for_reading(temp.path(), "LOCK");
  REQUIRE_OK(one);
  const auto two = lock_for_reading(temp.path(), "LOCK");
  REQUIRE_OK(two);
  CHECK((*directory)->lock("LOCK").code() == Errc::in_use);
  CHECK(*read_file(**directory, "LOCK", 100) == before);
}
