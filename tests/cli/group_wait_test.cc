#include "cli/group_wait.h"

#include "tests/support/catch.h"

using namespace logcask;
using cli::GroupWait;

namespace {

client::Contact of_a_broker_that_says(Errc code) {
  client::Contact contact;
  contact.connected = true;
  if (code != Errc::ok) contact.trouble = Error{code, "group 'g': the disk is away"};
  return contact;
}

}  // namespace

TEST_CASE("a group that takes no member is one line after three seconds and one when it does") {
  GroupWait wait("g");
  const auto refused = of_a_broker_that_says(Errc::coordinator_loading);
  CHECK(!wait.line_for(refused, false, 10'000));
  CHECK(!wait.line_for(refused, false, 12'999));
  CHECK(wait.line_for(refused, false, 13'000) == "coordinator_loading: group 'g': the disk is away; still trying");
  CHECK(!wait.line_for(refused, false, 60'000));
  CHECK(!wait.line_for(of_a_broker_that_says(Errc::ok), false, 61'000));
  CHECK(wait.line_for(of_a_broker_that_says(Errc::ok), true, 62'000) == "group 'g' has taken this member");
  CHECK(!wait.line_for(of_a_broker_that_says(Errc::ok), true, 63'000));
}

TEST_CASE("a group that is slow to share out, or takes a member soon, is not worth a line") {
  GroupWait wait("g");
  CHECK(!wait.line_for(of_a_broker_that_says(Errc::ok), false, 0));
  CHECK(!wait.line_for(of_a_broker_that_says(Errc::ok), false, 60'000));
  CHECK(!wait.line_for(of_a_broker_that_says(Errc::coordinator_loading), false, 61'000));
  CHECK(!wait.line_for(of_a_broker_that_says(Errc::ok), false, 63'000));
  CHECK(!wait.line_for(of_a_broker_that_says(Errc::coordinator_loading), false, 65'000));
  CHECK(!wait.line_for(of_a_broker_that_says(Errc::ok), true, 67'000));
}
