// What members of a consumer group and their coordinator say to each other, step by step.
#include "tests/broker/services/consumer_group_fixture.h"

namespace logcask {
namespace {

using testing::ConsumerGroupFixture;
using Fixture = ConsumerGroupFixture;

// One member with everything.
GroupEpoch alone(Fixture& f, const std::string& id = "a") {
  const auto joined = f.ask(Fixture::joining(id));
  REQUIRE_OK(joined.status);
  CHECK(joined.assignment == Fixture::of_t({0, 1, 2, 3}));
  return joined.epoch;
}

TEST_CASE("a member gives up before the next one gets", "[consumer_group]") {
  Fixture f;
  const GroupEpoch first = alone(f);
  CHECK(first == GroupEpoch(1));
  CHECK(f.described().state == GroupState::stable);
  const auto b = f.ask(Fixture::joining("b"));
  CHECK(b.epoch == GroupEpoch(2));
  CHECK(b.assignment == TopicPartitions());
  CHECK(f.described().state == GroupState::reconciling);
  // Told to give up, at its old epoch.
  const auto told = f.ask(Fixture::at("a", first));
  CHECK(told.epoch == first);
  REQUIRE(told.assignment);
  CHECK(told.assignment->at(Fixture::id_of(1)).size() == 2);
  // Until it says so, nothing comes free.
  CHECK_FALSE(f.ask(Fixture::at("b", b.epoch)).assignment);
  CHECK(f.ask(Fixture::at("a", first, Fixture::of_t({0, 1, 2, 3}))).epoch == first);
  CHECK_FALSE(f.ask(Fixture::at("b", b.epoch)).assignment);
  CHECK(f.ask(Fixture::at("a", first, *told.assignment)).epoch == GroupEpoch(2));
  const auto got = f.ask(Fixture::at("b", b.epoch));
  REQUIRE(got.assignment);
  CHECK(got.assignment->at(Fixture::id_of(1)).size() == 2);
  CHECK_FALSE(overlap(*got.assignment, *told.assignment));
  CHECK(f.described().state == GroupState::stable);
  CHECK(f.described().assignor == "uniform");
}

TEST_CASE("epochs that are not the member's are refused but for an answer that was lost", "[consumer_group]") {
  Fixture f;
  const GroupEpoch first = alone(f);
  CHECK(f.code(Fixture::at("a", GroupEpoch(7))) == Errc::fenced_member_epoch);
  CHECK(f.code(Fixture::at("stranger", first)) == Errc::unknown_member_id);
  f.ask(Fixture::joining("b"));
  f.ask(Fixture::at("b", kLeaves));
  const auto on = f.ask(Fixture::at("a", first));
  CHECK(on.epoch == GroupEpoch(3));
  CHECK(f.code(Fixture::at("a", first)) == Errc::fenced_member_epoch);
  CHECK(f.code(Fixture::at("a", first, Fixture::of_t({9}))) == Errc::fenced_member_epoch);
  CHECK(f.ask(Fixture::at("a", first, Fixture::of_t({0, 1}))).epoch == GroupEpoch(3));
  // Who has lost its place comes again with nothing, under its id.
  const auto again = f.ask(Fixture::joining("a"));
  CHECK(again.assignment == Fixture::of_t({0, 1, 2, 3}));
  CHECK(again.epoch == GroupEpoch(3));
  ConsumerHeartbeat of_no_group = Fixture::at("a", first);
  of_no_group.group = "other";
  CHECK(f.code(of_no_group) == Errc::group_id_not_found);
}

TEST_CASE("what a heartbeat lacks is named", "[consumer_group]") {
  Fixture f;
  const auto refused = [&](auto change) {
    ConsumerHeartbeat heartbeat = Fixture::joining("a");
    change(heartbeat);
    return f.code(heartbeat);
  };
  CHECK(refused([](auto& h) { h.rebalance_timeout_ms.reset(); }) == Errc::invalid_argument);
  CHECK(refused([](auto& h) { h.owned.reset(); }) == Errc::invalid_argument);
  CHECK(refused([](auto& h) { h.owned = Fixture::of_t({1}); }) == Errc::invalid_argument);
  CHECK(refused([](auto& h) { h.topics.reset(); }) == Errc::invalid_argument);
  CHECK(refused([](auto& h) { h.instance_id = GroupInstanceId(); }) == Errc::invalid_argument);
  CHECK(refused([](auto& h) { h.group.clear(); }) == Errc::invalid_argument);
  CHECK(refused([](auto& h) { h.group = "\xff"; }) == Errc::invalid_group_id);
  CHECK(refused([](auto& h) { h.epoch = GroupEpoch(-3); }) == Errc::invalid_argument);
  CHECK(refused([](auto& h) { h.epoch = kLeavesForAWhile; }) == Errc::invalid_argument);
  CHECK(refused([](auto& h) { h.assignor = "sticky"; }) == Errc::unsupported_assignor);
  CHECK(refused([](auto& h) { h.topic_regex = "("; }) == Errc::invalid_regular_expression);
  CHECK(refused([](auto& h) { h.topic_regex = std::string(5'000, 'a'); }) == Errc::invalid_argument);
  // None of them has left a group behind.
  CHECK(f.groups->list(f.principal)->empty());
  CHECK(f.names->take("g", GroupKind::classic));
}

TEST_CASE("a member without an id gets one", "[consumer_group]") {
  Fixture f;
  const auto joined = f.ask(Fixture::joining(""));
  CHECK(joined.member_id == MemberId("id1"));
  CHECK(f.ask(Fixture::at("id1", joined.epoch)).status.ok());
}

TEST_CASE("who is silent for the session timeout is removed and only then", "[consumer_group]") {
  Fixture f;
  const GroupEpoch first = alone(f);
  f.advance_ms(44'000);
  CHECK(f.ask(Fixture::at("a", first)).status.ok());
  f.advance_ms(44'000);
  CHECK(f.described().members.size() == 1);
  f.advance_ms(1'500);
  CHECK(f.described().members.empty());
  CHECK(f.described().state == GroupState::empty);
  CHECK(f.described().epoch == GroupEpoch(2));
  CHECK(f.code(Fixture::at("a", first)) == Errc::unknown_member_id);
}

TEST_CASE("who does not give up within its rebalance timeout is removed", "[consumer_group]") {
  Fixture f;
  const GroupEpoch first = alone(f);
  const auto b = f.ask(Fixture::joining("b"));
  f.ask(Fixture::at("a", first));
  for (int second = 0; second < 29; ++second) {
    f.advance_ms(1'000);
    CHECK(f.ask(Fixture::at("a", first, Fixture::of_t({0, 1, 2, 3}))).status.ok());
    CHECK(f.ask(Fixture::at("b", b.epoch)).status.ok());
  }
  f.advance_ms(1'500);
  CHECK(f.code(Fixture::at("a", first)) == Errc::unknown_member_id);
  CHECK(f.ask(Fixture::at("b", b.epoch)).assignment == Fixture::of_t({0, 1, 2, 3}));
}

TEST_CASE("a static member comes back to its share and nobody else takes its name meanwhile", "[consumer_group]") {
  Fixture f;
  ConsumerHeartbeat joining = Fixture::joining("a");
  joining.instance_id = GroupInstanceId("one");
  const auto first = f.ask(joining);
  CHECK(first.assignment == Fixture::of_t({0, 1, 2, 3}));
  ConsumerHeartbeat other = Fixture::joining("b");
  other.instance_id = GroupInstanceId("one");
  CHECK(f.code(other) == Errc::unreleased_instance_id);
  ConsumerHeartbeat away = Fixture::at("a", kLeavesForAWhile);
  away.instance_id = GroupInstanceId("one");
  const auto left = f.ask(away);
  REQUIRE_OK(left.status);
  CHECK(left.epoch == kLeavesForAWhile);
  // Its partitions are kept for it.
  const auto c = f.ask(Fixture::joining("c"));
  CHECK(c.assignment == TopicPartitions());
  const auto back = f.ask(other);
  REQUIRE_OK(back.status);
  REQUIRE(back.assignment);
  CHECK(back.assignment->at(Fixture::id_of(1)).size() == 2);
  CHECK(f.described().epoch == c.epoch);
  CHECK(f.described().members.size() == 2);
  ConsumerHeartbeat old = Fixture::at("a", first.epoch);
  old.instance_id = GroupInstanceId("one");
  CHECK(f.code(old) == Errc::fenced_instance_id);
  CHECK(f.code(Fixture::at("a", first.epoch)) == Errc::unknown_member_id);
}

TEST_CASE("topics that come grow and go make a new target", "[consumer_group]") {
  Fixture f;
  ConsumerHeartbeat joining = Fixture::joining("a", {"later"});
  joining.topic_regex = "t|u.*";
  GroupEpoch epoch = f.ask(joining).epoch;
  const auto held = [&](TopicPartitions owned) {
    const auto answer = f.ask(Fixture::at("a", epoch, std::move(owned)));
    REQUIRE_OK(answer.status);
    epoch = answer.epoch;
    return answer.assignment;
  };
  CHECK_FALSE(held(Fixture::of_t({0, 1, 2, 3})));
  f.set_topic("later", 2, 1);
  f.set_topic("unlike", 3, 1);
  f.set_topic("other", 4, 1);
  TopicPartitions all = Fixture::of_t({0, 1, 2, 3});
  all[Fixture::id_of(2)] = all[Fixture::id_of(3)] = {PartitionId(0)};
  CHECK(held(Fixture::of_t({0, 1, 2, 3})) == all);
  CHECK(epoch == GroupEpoch(2));
  f.set_topic("t", 1, 5);
  all[Fixture::id_of(1)].emplace(4);
  CHECK(held(all) == all);
  f.set_topic("other", 4, 7);
  CHECK_FALSE(held(all));
  CHECK(epoch == GroupEpoch(3));
  f.topics.erase("later");
  ++f.generation;
  all.erase(Fixture::id_of(2));
  CHECK(held(Fixture::of_t({0, 1, 2, 3, 4})) == all);
  CHECK(f.groups->subscribes_to("g", "unlike"));
  CHECK(f.groups->subscribes_to("g", "later"));
  CHECK_FALSE(f.groups->subscribes_to("g", "other"));
}

TEST_CASE("members epochs and shares survive a restart and nobody is fenced", "[consumer_group]") {
  Fixture f;
  const GroupEpoch first = alone(f);
  const auto b = f.ask(Fixture::joining("b"));
  const auto told = f.ask(Fixture::at("a", first));
  const auto before = f.described();
  const int saves = f.store.saves;
  f.restart();
  const auto after = f.described();
  CHECK(after.epoch == before.epoch);
  CHECK(after.target_epoch == before.target_epoch);
  REQUIRE(after.members.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(after.members[i].member == before.members[i].member);
    CHECK(after.members[i].target == before.members[i].target);
  }
  f.advance_ms(25'000);  // less than the time to give up in
  CHECK(f.ask(Fixture::at("b", b.epoch)).status.ok());
  CHECK(f.store.saves == saves);
  CHECK(f.ask(Fixture::at("a", first, *told.assignment)).epoch == b.epoch);
  CHECK(f.ask(Fixture::at("b", b.epoch)).assignment);
}

TEST_CASE("what cannot be written has not been and what comes meanwhile waits", "[consumer_group]") {
  Fixture f;
  const GroupEpoch first = alone(f);
  f.store.held = true;
  const auto b = f.send(Fixture::joining("b"));
  const auto a = f.send(Fixture::at("a", first));
  CHECK_FALSE(b->has_value());
  CHECK_FALSE(a->has_value());
  f.store.finish(Error{Errc::storage_full, "no room"});
  REQUIRE(b->has_value());
  CHECK((*b)->status.code() == Errc::coordinator_not_available);
  // What waited has seen the group as it is.
  REQUIRE(a->has_value());
  CHECK((*a)->epoch == first);
  CHECK_FALSE((*a)->assignment);
  CHECK(f.described().members.size() == 1);
  CHECK(f.described().epoch == first);
  f.store.held = false;
  CHECK(f.ask(Fixture::joining("b")).status.ok());
}

TEST_CASE("a group takes no more members and no more memory than it may", "[consumer_group]") {
  ConsumerGroupLimits limits;
  limits.max_size = 1;
  Fixture f(limits);
  const GroupEpoch first = alone(f);
  CHECK(f.code(Fixture::joining("b")) == Errc::group_max_size_reached);
  CHECK(f.ask(Fixture::at("a", first)).status.ok());
  ConsumerGroupLimits small;
  small.members_max_bytes = 4'096;
  Fixture g(small);
  int members = 0;
  while (members < 100 && g.code(Fixture::joining("m" + std::to_string(members))) == Errc::ok) ++members;
  CHECK(members > 0);
  CHECK(members < 10);
}

TEST_CASE("only members commit at their epoch and nobody else while there are any", "[consumer_group]") {
  Fixture f;
  const auto commit = [&](const std::string& id, GroupEpoch epoch, int partition = 0) {
    return f.groups->check_commit("g", MemberId(id), epoch, {{"t", PartitionId(partition)}}).code();
  };
  CHECK(commit("a", GroupEpoch(3)) == Errc::ok);  // not a group of ours
  const GroupEpoch first = alone(f);
  CHECK(commit("a", first) == Errc::ok);
  CHECK(commit("a", GroupEpoch(0)) == Errc::stale_member_epoch);
  CHECK(commit("a", GroupEpoch(2)) == Errc::stale_member_epoch);
  CHECK(commit("b", first) == Errc::unknown_member_id);
  CHECK(commit("", kLeaves) == Errc::unknown_member_id);
  CHECK(f.groups->check_fetch("g", MemberId(), kLeaves).ok());
  CHECK(f.groups->check_fetch("g", MemberId("a"), first).ok());
  CHECK(f.groups->check_fetch("g", MemberId("a"), GroupEpoch(9)).code() == Errc::stale_member_epoch);
  CHECK(f.groups->check_fetch("g", MemberId("b"), first).code() == Errc::unknown_member_id);
  CHECK(f.ask(Fixture::at("a", kLeaves)).epoch == kLeaves);
  CHECK(commit("", kLeaves) == Errc::ok);
}

TEST_CASE("a late commit is taken for partitions that the member has kept since", "[consumer_group]") {
  Fixture f;
  const GroupEpoch first = alone(f);
  const auto b = f.ask(Fixture::joining("b"));
  const auto kept = f.ask(Fixture::at("a", first)).assignment;
  REQUIRE(kept);
  CHECK(f.ask(Fixture::at("a", first, *kept)).epoch == b.epoch);
  f.restart();
  const auto code = [&](const std::string& topic, PartitionId partition) {
    return f.groups->check_commit("g", MemberId("a"), first, {{topic, partition}}).code();
  };
  for (int p = 0; p < 4; ++p) {
    const bool is_kept = kept->at(Fixture::id_of(1)).count(PartitionId(p)) > 0;
    CHECK(code("t", PartitionId(p)) == (is_kept ? Errc::ok : Errc::stale_member_epoch));
  }
  CHECK(code("unknown", PartitionId(0)) == Errc::stale_member_epoch);
  CHECK(f.groups->check_fetch("g", MemberId("a"), first).code() == Errc::stale_member_epoch);
}

TEST_CASE("a group goes when it is empty and its name is free then", "[consumer_group]") {
  Fixture f;
  alone(f);
  CHECK(f.delete_group() == Errc::non_empty_group);
  CHECK(f.names->make_way("g", GroupKind::classic).code() == Errc::non_empty_group);
  f.ask(Fixture::at("a", kLeaves));
  SECTION("deleted") {
    CHECK(f.delete_group() == Errc::ok);
    CHECK(f.delete_group() == Errc::group_id_not_found);
  }
  SECTION("for one of the classic protocol") {
    CHECK(f.names->make_way("g", GroupKind::classic).code() == Errc::coordinator_not_available);
    CHECK(f.names->make_way("g", GroupKind::classic).ok());
  }
  SECTION("expired") {
    CHECK(f.groups->empty_groups() == std::vector<std::string>{"g"});
    Errc gone = Errc::internal;
    f.groups->expire_group("g", [&](const Status& status) { gone = status.code(); });
    CHECK(gone == Errc::ok);
  }
  CHECK(f.names->take("g", GroupKind::classic));
  CHECK(f.store.read().empty());
}

TEST_CASE("a group of the classic protocol makes way when it is empty", "[consumer_group]") {
  Fixture f;
  REQUIRE(f.names->take("g", GroupKind::classic));
  f.classic_has_members = true;
  CHECK(f.code(Fixture::joining("a")) == Errc::group_id_not_found);
  f.classic_has_members = false;
  CHECK(f.code(Fixture::joining("a")) == Errc::coordinator_not_available);
  alone(f);
}

TEST_CASE("a broker that stops answers whoever waits", "[consumer_group]") {
  Fixture f;
  const GroupEpoch first = alone(f);
  f.store.held = true;
  const auto b = f.send(Fixture::joining("b"));
  const auto a = f.send(Fixture::at("a", first));
  f.groups->stop();
  REQUIRE(a->has_value());
  CHECK((*a)->status.code() == Errc::shutting_down);
  CHECK(f.code(Fixture::at("a", first)) == Errc::shutting_down);
  f.store.finish();
  CHECK(b->has_value());
}

}  // namespace
}  // namespace logcask
