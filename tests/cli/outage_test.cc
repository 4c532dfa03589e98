#include "cli/outage.h"

#include "tests/support/catch.h"

using namespace logcask;
using cli::Outage;

namespace {

client::Contact lost_for(std::int64_t ms) {
  client::Contact contact;
  contact.lost_for_ms = ms;
  contact.trouble = Error{Errc::connect_failed, "127.0.0.1:7440: Connection refused"};
  return contact;
}

client::Contact there() {
  client::Contact contact;
  contact.connected = true;
  return contact;
}

}  // namespace

TEST_CASE("an outage is one line after three seconds and one when it is over") {
  Outage outage;
  CHECK(!outage.line_for(there()));
  CHECK(!outage.line_for(lost_for(2999)));
  CHECK(outage.line_for(lost_for(3100)) ==
        "no contact with the broker for 3 s (127.0.0.1:7440: Connection refused); still trying");
  CHECK(!outage.line_for(lost_for(4100)));
  CHECK(!outage.line_for(lost_for(60000)));
  CHECK(outage.line_for(there()) == "the broker is there again, after 60 s");
  CHECK(!outage.line_for(there()));
  CHECK(outage.line_for(lost_for(3000)));
}

TEST_CASE("a short break is not worth a line") {
  Outage outage;
  CHECK(!outage.line_for(lost_for(1000)));
  CHECK(!outage.line_for(lost_for(2000)));
  CHECK(!outage.line_for(there()));
}
