// Consumers that are members of a group: the client library and a whole broker.
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "logcask/admin.h"
#include "logcask/consumer.h"
#include "logcask/producer.h"
#include "tests/broker/broker_fixture.h"
#include "tests/support/catch.h"

using namespace logcask;
using namespace logcask::testing;
namespace lc = logcask::client;

namespace {

constexpr int kPartitions = 4;
constexpr int kRounds = 3000;  // of polls; each waits for 10 ms at most

SettingValues members_at_once() {
  return {{"group.initial.rebalance.delay.ms", "0"}, {"group.min.session.timeout.ms", "1000"}};
}

lc::Client client_of(const BrokerFixture& broker) {
  auto client = lc::Client::connect("127.0.0.1:" + std::to_string(broker.port()));
  REQUIRE_OK(client);
  return *client;
}

void write(const lc::Client& client, int records) {
  auto producer = lc::Producer::open(client, "t", {});
  REQUIRE_OK(producer);
  for (int i = 0; i < records; ++i) {
    lc::OutRecord record;
    record.key = ByteView("k");
    record.value = ByteView("v");
    record.partition = PartitionId(i % kPartitions);
    REQUIRE_OK(producer->send(record));
  }
  REQUIRE_OK(producer->flush());
}

lc::ConsumerOptions member_of(const std::string& group) {
  lc::ConsumerOptions options;
  options.group = group;
  options.heartbeat_interval_ms = 20;
  return options;
}

// A consumer and what it has seen.
struct Member {
  lc::Consumer consumer;
  std::map<PartitionId, std::set<std::int64_t>> read;
  int revoked = 0, lost = 0, assigned = 0, twice = 0;
  std::optional<Error> error;

  explicit Member(lc::Consumer opened) : consumer(std::move(opened)) {}
  static Member join(const lc::Client& client, const lc::ConsumerOptions& options) {
    auto joined = lc::Consumer::join(client, "t", lc::StartAt::committed(), options);
    REQUIRE_OK(joined);
    return Member(std::move(joined).value());
  }
  void poll() {
    const auto polled = consumer.poll(10);
    if (!polled.ok()) {
      error = polled.error();
      return;
    }
    for (const auto& record : polled->records)
      if (!read[record.partition].insert(record.offset.value()).second) ++twice;
    if (!polled->revoked.empty()) {
      ++revoked;
      CHECK(polled->records.empty());
      REQUIRE_OK(consumer.commit());
    }
    if (!polled->lost.empty()) ++lost;
    if (polled->assigned) ++assigned;
  }
  std::size_t records() const {
    std::size_t sum = 0;
    for (const auto& [partition, offsets] : read) sum += offsets.size();
    return sum;
  }
};

template <class Happened>
void poll_until(std::initializer_list<Member*> members, Happened happened) {
  for (int round = 0; round < kRounds && !happened(); ++round)
    for (Member* member : members) member->poll();
  REQUIRE(happened());
}

bool shared_by(const Member& one, const Member& two) {
  return one.consumer.partitions().size() == 2 && two.consumer.partitions().size() == 2;
}

}  // namespace

TEST_CASE("two consumers of a group share the partitions, and each record is read by one of them", "[groups]") {
  BrokerFixture broker(members_at_once());
  NativeClient(broker.port()).create_topic("t", kPartitions);
  const lc::Client client = client_of(broker);
  write(client, 40);
  Member one = Member::join(client, member_of("g"));
  poll_until({&one}, [&] { return one.records() == 40; });
  CHECK(one.consumer.partitions().size() == kPartitions);
  Member two = Member::join(client, member_of("g"));
  poll_until({&one, &two}, [&] { return shared_by(one, two); });
  CHECK(one.revoked == 1);
  CHECK(two.records() == 0);
  write(client, 400);
  poll_until({&one, &two}, [&] { return one.records() + two.records() >= 440; });
  CHECK(one.records() + two.records() == 440);
  CHECK(one.twice + two.twice == 0);
  for (const auto& [partition, offsets] : two.read) CHECK(*offsets.begin() == 10);  // behind what one had committed
  REQUIRE_OK(two.consumer.commit());
  REQUIRE_OK(two.consumer.close());
  CHECK(two.consumer.poll(0).code() == Errc::cancelled);
  poll_until({&one}, [&] { return one.consumer.partitions().size() == kPartitions; });
  write(client, 40);
  poll_until({&one}, [&] { return one.records() + two.records() == 480; });
  CHECK(one.twice == 0);
}

TEST_CASE("a consumer that is destroyed leaves its group, a static one keeps its place", "[groups]") {
  BrokerFixture broker(members_at_once());
  NativeClient(broker.port()).create_topic("t", kPartitions);
  const lc::Client client = client_of(broker);
  const auto state = [&] {
    const auto groups = lc::Admin(client).list_groups();
    REQUIRE_OK(groups);
    return groups->empty() ? std::string("none") : groups->front().state;
  };
  {
    Member one = Member::join(client, member_of("g"));
    poll_until({&one}, [&] { return one.assigned == 1; });
    REQUIRE_OK(one.consumer.commit());
    CHECK(state() == "Stable");
  }
  CHECK(state() == "Empty");
  lc::ConsumerOptions options = member_of("g");
  options.group_instance_id = "seat";
  {
    Member one = Member::join(client, options);
    poll_until({&one}, [&] { return one.assigned == 1; });
  }
  CHECK(state() == "Stable");
  Member again = Member::join(client, options);
  poll_until({&again}, [&] { return again.assigned == 1; });
  CHECK(again.consumer.partitions().size() == kPartitions);
}

TEST_CASE("who has no share yet, and who is no member, cannot commit for a group with members", "[groups]") {
  BrokerFixture broker(members_at_once());
  NativeClient(broker.port()).create_topic("t", kPartitions);
  const lc::Client client = client_of(broker);
  write(client, 4);
  auto waiting = lc::Consumer::join(client, "t", lc::StartAt::committed(), member_of("other"));
  REQUIRE_OK(waiting);
  CHECK(waiting->partitions().empty());
  CHECK_FALSE(waiting->at_end());
  Member one = Member::join(client, member_of("g"));
  poll_until({&one}, [&] { return one.records() == 4; });
  auto stranger = lc::Consumer::open(client, "t", lc::StartAt::earliest(), {PartitionId(0)}, member_of("g"));
  REQUIRE_OK(stranger);
  CHECK(stranger->commit({{PartitionId(0), Offset(1)}}).code() == Errc::unknown_member_id);
  REQUIRE_OK(one.consumer.commit());
  REQUIRE_OK(one.consumer.close());
  CHECK(one.consumer.commit().code() == Errc::unknown_member_id);
  REQUIRE_OK(stranger->commit({{PartitionId(0), Offset(1)}}));
}

TEST_CASE("a consumer that is not polled gives its partitions up, and joins anew when it is", "[groups]") {
  BrokerFixture broker(members_at_once());
  NativeClient(broker.port()).create_topic("t", kPartitions);
  const lc::Client client = client_of(broker);
  lc::ConsumerOptions options = member_of("g");
  options.rebalance_timeout_ms = 100;
  Member idle = Member::join(client, options);
  poll_until({&idle}, [&] { return idle.assigned == 1; });
  Member busy = Member::join(client, member_of("g"));
  poll_until({&busy}, [&] { return busy.consumer.partitions().size() == kPartitions; });
  poll_until({&idle, &busy}, [&] { return idle.lost == 1 && shared_by(idle, busy); });
  CHECK(idle.revoked == 0);
}

TEST_CASE("a member goes on over a restart of the broker, without sharing out anew", "[groups]") {
  BrokerFixture broker(members_at_once());
  NativeClient(broker.port()).create_topic("t", kPartitions);
  std::optional<Member> one, two;
  {
    const lc::Client client = client_of(broker);
    write(client, 40);
    one.emplace(Member::join(client, member_of("g")));
    two.emplace(Member::join(client, member_of("g")));
  }
  poll_until({&*one, &*two}, [&] { return shared_by(*one, *two) && one->records() + two->records() >= 40; });
  const int told = one->revoked + two->revoked + one->lost + two->lost;
  broker.restart_on_the_same_port();
  write(client_of(broker), 40);
  poll_until({&*one, &*two}, [&] { return one->records() + two->records() >= 80; });
  CHECK(one->revoked + two->revoked + one->lost + two->lost == told);
  CHECK(one->twice + two->twice == 0);
  REQUIRE_OK(one->consumer.commit());
  REQUIRE_OK(two->consumer.commit());
}

TEST_CASE("what a group says against a member names the group once", "[groups]") {
  BrokerFixture broker(members_at_once());
  const lc::Client client = client_of(broker);
  REQUIRE_OK(lc::Admin(client).create_topic({"t", kPartitions, {}, false}));
  lc::ConsumerOptions seat = member_of("g");
  seat.group_instance_id = "seat";
  Member first = Member::join(client, seat);
  poll_until({&first}, [&] { return first.assigned > 0; });
  Member second = Member::join(client, seat);
  poll_until({&first, &second}, [&] { return first.error.has_value(); });
  CHECK(first.error->code == Errc::fenced_instance_id);
  const std::size_t at = first.error->message.find("group 'g'");
  CHECK(at != std::string::npos);
  CHECK(first.error->message.find("group 'g'", at + 1) == std::string::npos);
}

TEST_CASE("what a group says against a member ends it for good, and says why", "[groups]") {
  BrokerFixture broker(members_at_once());
  NativeClient(broker.port()).create_topic("t", kPartitions);
  const lc::Client client = client_of(broker);
  const auto refusal = [&](const lc::ConsumerOptions& options) {
    Member member = Member::join(client, options);
    poll_until({&member}, [&] { return member.error.has_value(); });
    member.error.reset();
    member.poll();
    return member.error.value_or(Error{Errc::ok, {}}).code;
  };
  lc::ConsumerOptions hasty = member_of("g");
  hasty.session_timeout_ms = 100;
  CHECK(refusal(hasty) == Errc::invalid_session_timeout);
  lc::ConsumerOptions first = member_of("g");
  first.group_instance_id = "seat";
  Member fenced = Member::join(client, first);
  poll_until({&fenced}, [&] { return fenced.assigned == 1; });
  Member second = Member::join(client, first);
  poll_until({&fenced, &second}, [&] { return fenced.error.has_value(); });
  CHECK(fenced.error->code == Errc::fenced_instance_id);
  CHECK(lc::Consumer::join(client, "t", lc::StartAt::committed(), {}).code() == Errc::invalid_argument);
  CHECK(lc::Consumer::join(client, "none", lc::StartAt::committed(), member_of("g")).code() == Errc::unknown_topic);
  lc::ConsumerOptions slow = member_of("g");
  slow.heartbeat_interval_ms = 30'000;
  CHECK(lc::Consumer::join(client, "t", lc::StartAt::committed(), slow).code() == Errc::invalid_argument);
}
