// Members of consumer groups over the native wire: a whole broker, and every request of theirs.
#include <chrono>
#include <thread>

#include "broker/settings/config_sources.h"
#include "tests/broker/broker_fixture.h"
#include "tests/support/catch.h"

using namespace logcask;
using namespace logcask::testing;

namespace {

constexpr int code(Errc errc) { return static_cast<int>(errc); }

v1::RequestHeader join_of(const std::string& group, const std::string& member_id, const std::string& instance_id = {}) {
  v1::RequestHeader request;
  v1::JoinGroupRequest& join = *request.mutable_join_group();
  join.set_group(group);
  join.mutable_member()->set_member_id(member_id);
  join.mutable_member()->set_instance_id(instance_id);
  join.set_session_timeout_ms(30'000);
  join.set_protocol_type("consumer");
  auto& protocol = *join.add_protocols();
  protocol.set_name("range");
  protocol.set_metadata("what " + (member_id.empty() ? instance_id : member_id) + " says");
  return request;
}

// In the group after both steps.
v1::JoinGroupResponse join(NativeClient& client, const std::string& group) {
  v1::RequestHeader first = join_of(group, {});
  const auto handed_out = client.call(first).header;
  REQUIRE(handed_out.join_group().join_again());
  v1::RequestHeader second = join_of(group, handed_out.join_group().member_id());
  const auto joined = client.call(second).header;
  INFO(joined.error_message());
  REQUIRE(joined.error_code() == 0);
  return joined.join_group();
}

v1::GroupMember claim_of(const v1::JoinGroupResponse& joined) {
  v1::GroupMember claim;
  claim.set_member_id(joined.member_id());
  claim.set_generation(joined.generation());
  return claim;
}

v1::RequestHeader sync_of(const std::string& group, const v1::JoinGroupResponse& joined) {
  v1::RequestHeader request;
  v1::SyncGroupRequest& sync = *request.mutable_sync_group();
  sync.set_group(group);
  *sync.mutable_member() = claim_of(joined);
  for (const auto& member : joined.members()) {
    auto& assignment = *sync.add_assignments();
    assignment.set_member_id(member.member_id());
    assignment.set_assignment("share of " + member.member_id());
  }
  return request;
}

int heartbeat(NativeClient& client, const std::string& group, const v1::JoinGroupResponse& joined) {
  v1::RequestHeader request;
  request.mutable_heartbeat()->set_group(group);
  *request.mutable_heartbeat()->mutable_member() = claim_of(joined);
  return client.call(request).header.error_code();
}

// Groups are read behind the first answers.
void wait_for_groups(BrokerFixture& broker) {
  NativeClient client(broker.port());
  while (heartbeat(client, "nobody's", {}) == code(Errc::coordinator_loading))
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

int commit(NativeClient& client, const std::string& group, const v1::JoinGroupResponse* joined) {
  v1::RequestHeader request;
  request.mutable_commit_offsets()->set_group(group);
  request.mutable_commit_offsets()->add_entries()->set_topic("t");
  if (joined) *request.mutable_commit_offsets()->mutable_member() = claim_of(*joined);
  const auto answer = client.call(request).header;
  return answer.error_code() != 0 ? answer.error_code() : answer.commit_offsets().errors(0).code();
}

int leave(NativeClient& client, const std::string& group, const v1::JoinGroupResponse& joined) {
  v1::RequestHeader request;
  request.mutable_leave_group()->set_group(group);
  *request.mutable_leave_group()->add_members() = claim_of(joined);
  return client.call(request).header.leave_group().errors(0).code();
}

SettingValues no_delay() { return {{"group.initial.rebalance.delay.ms", "0"}}; }

}  // namespace

TEST_CASE("a member joins, syncs, is alive, commits and leaves on the native wire", "[broker][groups]") {
  BrokerFixture broker(no_delay());
  wait_for_groups(broker);
  NativeClient client(broker.port());
  client.create_topic("t");
  const auto joined = join(client, "g");
  CHECK(joined.generation() == 1);
  CHECK(joined.protocol_type() == "consumer");
  CHECK(joined.protocol() == "range");
  CHECK(joined.leader() == joined.member_id());
  REQUIRE(joined.members_size() == 1);
  CHECK(joined.members(0).metadata() == "what " + joined.member_id() + " says");
  v1::RequestHeader sync = sync_of("g", joined);
  CHECK(client.call(sync).header.sync_group().assignment() == "share of " + joined.member_id());
  CHECK(heartbeat(client, "g", joined) == 0);
  CHECK(commit(client, "g", &joined) == 0);
  CHECK(commit(client, "g", nullptr) == code(Errc::unknown_member_id));
  v1::JoinGroupResponse earlier = joined;
  earlier.set_generation(0);
  CHECK(heartbeat(client, "g", earlier) == code(Errc::illegal_generation));
  CHECK(leave(client, "g", joined) == 0);
  CHECK(leave(client, "g", joined) == code(Errc::unknown_member_id));
  CHECK(heartbeat(client, "g", joined) == code(Errc::unknown_member_id));
  CHECK(commit(client, "g", nullptr) == 0);
}

TEST_CASE("a second member makes the first one join again, and the leader shares out to both", "[broker][groups]") {
  BrokerFixture broker(no_delay());
  wait_for_groups(broker);
  NativeClient one(broker.port());
  NativeClient two(broker.port());
  const auto alone = join(one, "g");
  v1::RequestHeader sync = sync_of("g", alone);
  REQUIRE(one.call(sync).header.error_code() == 0);
  v1::RequestHeader first = join_of("g", {});
  const std::string id = two.call(first).header.join_group().member_id();
  v1::RequestHeader second = join_of("g", id);
  const auto waits = two.send(second);
  while (heartbeat(one, "g", alone) == 0) {
  }
  CHECK(heartbeat(one, "g", alone) == code(Errc::rebalance_in_progress));
  v1::RequestHeader again = join_of("g", alone.member_id());
  const auto leader = one.call(again).header.join_group();
  const auto other = two.answer_to(waits).header.join_group();
  CHECK(leader.generation() == 2);
  CHECK(other.generation() == 2);
  CHECK(leader.members_size() == 2);
  CHECK(other.members_size() == 0);
  CHECK(other.leader() == leader.member_id());
  v1::RequestHeader other_sync = sync_of("g", other);
  const auto other_waits = two.send(other_sync);
  v1::RequestHeader leader_sync = sync_of("g", leader);
  CHECK(one.call(leader_sync).header.sync_group().assignment() == "share of " + leader.member_id());
  CHECK(two.answer_to(other_waits).header.sync_group().assignment() == "share of " + id);
}

TEST_CASE("a join that waits is cancelled, and the member is still in its group", "[broker][groups]") {
  BrokerFixture broker(no_delay());
  wait_for_groups(broker);
  NativeClient one(broker.port());
  NativeClient two(broker.port());
  const auto alone = join(one, "g");
  v1::RequestHeader sync = sync_of("g", alone);
  REQUIRE(one.call(sync).header.error_code() == 0);
  v1::RequestHeader first = join_of("g", {});
  const std::string id = two.call(first).header.join_group().member_id();
  v1::RequestHeader second = join_of("g", id);
  const auto waits = two.send(second);
  v1::RequestHeader cancel;
  cancel.mutable_cancel()->set_target_correlation_id(waits);
  two.send(cancel);
  CHECK(two.answer_to(waits).header.error_code() == code(Errc::cancelled));
  v1::RequestHeader again = join_of("g", alone.member_id());
  const auto leader = one.call(again).header.join_group();
  CHECK(leader.members_size() == 2);
  v1::JoinGroupResponse other = leader;
  other.set_member_id(id);
  other.clear_members();
  v1::RequestHeader leader_sync = sync_of("g", leader);
  REQUIRE(one.call(leader_sync).header.error_code() == 0);
  v1::RequestHeader other_sync = sync_of("g", other);
  CHECK(two.call(other_sync).header.sync_group().assignment() == "share of " + id);
}

TEST_CASE("a member and its generation outlive the broker, and a static one takes its place over", "[broker][groups]") {
  BrokerFixture broker(no_delay());
  wait_for_groups(broker);
  v1::JoinGroupResponse joined;
  {
    NativeClient client(broker.port());
    v1::RequestHeader request = join_of("g", {}, "seat");
    joined = client.call(request).header.join_group();
    CHECK_FALSE(joined.join_again());
    v1::RequestHeader sync = sync_of("g", joined);
    REQUIRE(client.call(sync).header.error_code() == 0);
  }
  broker.restart();
  wait_for_groups(broker);
  NativeClient client(broker.port());
  CHECK(heartbeat(client, "g", joined) == 0);
  v1::RequestHeader back = join_of("g", {}, "seat");
  const auto again = client.call(back).header.join_group();
  CHECK(again.generation() == joined.generation());
  CHECK(again.member_id() != joined.member_id());
  CHECK(again.skip_assignment());
  CHECK(heartbeat(client, "g", joined) == code(Errc::unknown_member_id));
}

TEST_CASE("what a member asks for that no group has is refused by name", "[broker][groups]") {
  BrokerFixture broker(no_delay());
  wait_for_groups(broker);
  NativeClient client(broker.port());
  v1::RequestHeader nameless = join_of("", {});
  CHECK(client.call(nameless).header.error_code() == code(Errc::invalid_group_id));
  v1::RequestHeader hasty = join_of("g", {});
  hasty.mutable_join_group()->set_session_timeout_ms(1);
  CHECK(client.call(hasty).header.error_code() == code(Errc::invalid_session_timeout));
  v1::RequestHeader stranger = join_of("g", "nobody");
  CHECK(client.call(stranger).header.error_code() == code(Errc::unknown_member_id));
  v1::RequestHeader sync;
  sync.mutable_sync_group()->set_group("none");
  CHECK(client.call(sync).header.error_code() == code(Errc::unknown_member_id));
}
