#include "base/errc.h"

#include <set>
#include <string>

#include "tests/support/catch.h"

using namespace logcask;

TEST_CASE("every code has its own name and a meaning", "[base]") {
  std::set<std::string_view> names;
  for (const ErrcInfo& info : errc_table()) {
    CHECK(names.insert(info.name).second);
    CHECK_FALSE(info.meaning.empty());
    CHECK(errc_from_wire(static_cast<std::int32_t>(info.code)) == info.code);
    CHECK(errc_name(info.code) == info.name);
  }
}

TEST_CASE("wire numbers are frozen", "[base]") {
  CHECK(static_cast<int>(Errc::ok) == 0);
  CHECK(static_cast<int>(Errc::unknown_topic) == 2);
  CHECK(static_cast<int>(Errc::condition_failed) == 12);
  CHECK(static_cast<int>(Errc::keydir_budget_exceeded) == 17);
  CHECK(static_cast<int>(Errc::storage_full) == 21);
  CHECK(static_cast<int>(Errc::tombstone_horizon_passed) == 24);
  CHECK(static_cast<int>(Errc::stale_token) == 47);
  CHECK(static_cast<int>(Errc::topic_changed) == 48);
  CHECK(static_cast<int>(Errc::foreign_file) == 49);
  CHECK(static_cast<int>(Errc::unknown_member_id) == 50);
  CHECK(static_cast<int>(Errc::coordinator_not_available) == 62);
  CHECK(static_cast<int>(Errc::commit_metadata_too_large) == 64);
  CHECK(errc_from_wire(9999) == Errc::internal);
  CHECK(errc_from_wire(-3) == Errc::internal);
}
