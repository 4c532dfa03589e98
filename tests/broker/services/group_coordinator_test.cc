// Consumer groups: joins, assignments, heartbeats, static members, what outlives the broker.
#include "broker/services/group_coordinator.h"

#include <set>

#include "tests/broker/services/group_fixture.h"
#include "tests/support/catch.h"

namespace logcask {
namespace {

using testing::GroupFixture;

GroupLimits no_delay() {
  GroupLimits limits;
  limits.initial_rebalance_delay_ms = 0;
  return limits;
}

JoinRequest again(const JoinAnswer& joined, const std::string& client) {
  return GroupFixture::request(client, joined.member_id);
}

// ---- joining

TEST_CASE("who comes without a member id is given one and told to come again with it") {
  GroupFixture fixture(no_delay());
  JoinRequest first = GroupFixture::request("c");
  first.require_known_member_id = true;
  const auto handed_out = fixture.join(first);
  REQUIRE(handed_out->has_value());
  CHECK((*handed_out)->status.code() == Errc::member_id_required);
  CHECK((*handed_out)->member_id == MemberId("c-1"));
  CHECK(fixture.state() == GroupState::empty);
  first.member_id = (*handed_out)->member_id;
  const auto joined = fixture.join(first);
  REQUIRE(joined->has_value());
  REQUIRE_OK((*joined)->status);
  CHECK((*joined)->member_id == MemberId("c-1"));
  CHECK((*joined)->generation == GroupGeneration(1));
}

TEST_CASE("nobody joins a group whose name is not UTF-8") {
  GroupFixture fixture(no_delay());
  JoinRequest request = GroupFixture::request("c");
  request.group = "caf\xe9";
  const auto refused = fixture.join(request);
  REQUIRE(refused->has_value());
  CHECK((*refused)->status.code() == Errc::invalid_group_id);
  CHECK_FALSE(fixture.groups->knows("caf\xe9"));
  request.group = "caf\xc3\xa9";
  const auto joined = fixture.join(request);
  REQUIRE(joined->has_value());
  REQUIRE_OK((*joined)->status);
}

TEST_CASE("an id that nobody comes with is forgotten after the session timeout, and its group with it") {
  GroupFixture fixture(no_delay());
  JoinRequest first = GroupFixture::request("c");
  first.require_known_member_id = true;
  fixture.join(first);
  fixture.advance_ms(9'900);
  CHECK(fixture.state() == GroupState::empty);
  fixture.advance_ms(150);
  CHECK(fixture.groups->describe(fixture.principal, "g").code() == Errc::group_id_not_found);
  first.member_id = MemberId("c-1");
  CHECK((*fixture.join(first))->status.code() == Errc::unknown_member_id);
  CHECK(fixture.store.saves == 0);
}

TEST_CASE("a rebalance waits for members that have only an id, until that is forgotten") {
  GroupFixture fixture(no_delay());
  const auto members = fixture.form(1);
  JoinRequest newcomer = GroupFixture::request("n");
  newcomer.require_known_member_id = true;
  newcomer.member_id = (*fixture.join(newcomer))->member_id;
  CHECK(fixture.state() == GroupState::stable);
  const auto asked = fixture.join(again(members[0], "c0"));
  CHECK_FALSE(asked->has_value());
  SECTION("its owner comes") {
    const auto came = fixture.join(newcomer);
    REQUIRE(came->has_value());
    REQUIRE(asked->has_value());
    CHECK((*asked)->members.size() == 2);
    CHECK((*came)->generation == (*asked)->generation);
  }
  SECTION("its owner leaves") {
    CHECK(fixture.leave(newcomer.member_id) == Errc::ok);
    REQUIRE(asked->has_value());
    CHECK((*asked)->members.size() == 1);
  }
  SECTION("its owner does not come") {
    fixture.advance_ms(10'050);
    REQUIRE(asked->has_value());
    CHECK((*asked)->members.size() == 1);
  }
}

TEST_CASE("a new group waits for further members, and longer while they come") {
  GroupFixture fixture;
  const auto a = fixture.join(GroupFixture::request("a"));
  fixture.advance_ms(2'900);
  const auto b = fixture.join(GroupFixture::request("b"));
  fixture.advance_ms(200);
  CHECK_FALSE(a->has_value());  // 3 s are over, but b has come
  fixture.advance_ms(2'700);
  CHECK_FALSE(a->has_value());
  fixture.advance_ms(300);
  REQUIRE(a->has_value());
  REQUIRE(b->has_value());
  CHECK((*a)->generation == GroupGeneration(1));
  CHECK((*b)->generation == GroupGeneration(1));
}

TEST_CASE("a new group waits no longer than its rebalance timeout, however many come") {
  GroupFixture fixture;
  JoinRequest request = GroupFixture::request("a");
  request.rebalance_timeout_ms = 10'000;
  const auto first = fixture.join(request);
  for (int i = 0; i < 9; ++i) {
    fixture.advance_ms(1'000);
    fixture.join(request);
    CHECK_FALSE(first->has_value());
  }
  fixture.advance_ms(1'100);
  REQUIRE(first->has_value());
  CHECK(((*first)->members.size() == 10 || (*first)->members.empty()));
}

TEST_CASE("the leader alone hears of the members, and everybody gets its own share") {
  GroupFixture fixture;
  const auto a = fixture.join(GroupFixture::request("a"));
  const auto b = fixture.join(GroupFixture::request("b"));
  fixture.advance_ms(6'050);
  REQUIRE(a->has_value());
  REQUIRE(b->has_value());
  CHECK((*a)->leader == (*a)->member_id);  // the first one
  CHECK((*b)->leader == (*a)->member_id);
  CHECK((*b)->members.empty());
  CHECK((*a)->protocol == "range");
  CHECK((*a)->protocol_type == "consumer");
  CHECK_FALSE((*a)->skip_assignment);
  CHECK((*a)->members ==
        std::vector<JoinedMember>{{(*a)->member_id, {}, "a wants t"}, {(*b)->member_id, {}, "b wants t"}});

  const auto b_share = fixture.sync(**b);
  CHECK_FALSE(b_share->has_value());  // the leader has not shared out yet
  CHECK(fixture.heartbeat(**b) == Errc::ok);
  const auto a_share = fixture.sync(**a, {{(*b)->member_id, "for b"}, {MemberId("stranger"), "x"}});
  REQUIRE(a_share->has_value());
  REQUIRE(b_share->has_value());
  CHECK((*b_share)->assignment == "for b");
  CHECK((*a_share)->assignment.empty());  // the leader left it out
  CHECK((*a_share)->protocol == "range");
  CHECK((*a_share)->protocol_type == "consumer");
  CHECK(fixture.state() == GroupState::stable);
  // Who has lost the answer asks again.
  CHECK((*fixture.sync(**b))->assignment == "for b");
}

TEST_CASE("assignments are handed out once they are on disk") {
  GroupFixture fixture(no_delay());
  const auto joined = fixture.join(GroupFixture::request("a"));
  fixture.store.held = true;
  const auto share = fixture.sync(**joined, {{(*joined)->member_id, "all"}});
  CHECK_FALSE(share->has_value());
  CHECK(fixture.state() == GroupState::completing_rebalance);
  fixture.store.finish();
  REQUIRE(share->has_value());
  CHECK((*share)->assignment == "all");
  const auto written = fixture.store.read().at("g");
  CHECK(written.generation == GroupGeneration(1));
  CHECK(written.leader == (*joined)->member_id);
  CHECK(written.protocol == "range");
  REQUIRE(written.members.size() == 1);
  CHECK(written.members[0] ==
        StoredGroupMember{(*joined)->member_id, {}, "a", "/10.0.0.1", 30'000, 10'000, "a wants t", "all"});
}

TEST_CASE("assignments that cannot be written are given to nobody, and the members join again") {
  GroupFixture fixture(no_delay());
  const auto joined = fixture.join(GroupFixture::request("a"));
  fixture.store.held = true;
  const auto share = fixture.sync(**joined, {{(*joined)->member_id, "all"}});
  SECTION("now, and perhaps later") {
    fixture.store.finish(Error{Errc::storage_full, "no room"});
    REQUIRE(share->has_value());
    CHECK((*share)->status.code() == Errc::coordinator_not_available);
  }
  SECTION("nor ever") {
    fixture.store.finish(Error{Errc::message_too_large, "2 MB"});
    REQUIRE(share->has_value());
    CHECK((*share)->status.code() == Errc::internal);
  }
  CHECK((*share)->assignment.empty());
  CHECK(fixture.heartbeat(**joined) == Errc::rebalance_in_progress);
  const auto next = fixture.join(again(**joined, "a"));
  REQUIRE(next->has_value());
  CHECK((*next)->generation == GroupGeneration(2));
}

TEST_CASE("what is written of a generation that is over assigns nothing") {
  GroupFixture fixture(no_delay());
  const auto joined = fixture.join(GroupFixture::request("a"));
  fixture.store.held = true;
  const auto share = fixture.sync(**joined, {{(*joined)->member_id, "old"}});
  const auto newcomer = fixture.join(GroupFixture::request("b"));
  REQUIRE(share->has_value());
  CHECK((*share)->status.code() == Errc::rebalance_in_progress);
  const auto next = fixture.join(again(**joined, "a"));
  REQUIRE(next->has_value());
  REQUIRE(newcomer->has_value());
  const auto next_share = fixture.sync(**next, {{(*next)->member_id, "new"}});
  fixture.store.finish();
  CHECK_FALSE(next_share->has_value());  // that was the record of the generation before
  fixture.store.finish();
  REQUIRE(next_share->has_value());
  CHECK((*next_share)->assignment == "new");
}

TEST_CASE("records of a group come to the log one after the other") {
  GroupFixture fixture(no_delay());
  const auto joined = fixture.join(GroupFixture::request("a"));
  fixture.store.held = true;
  fixture.sync(**joined, {{(*joined)->member_id, "old"}});
  CHECK(fixture.leave((*joined)->member_id) == Errc::ok);  // empty, which is written, too
  CHECK(fixture.state() == GroupState::empty);
  CHECK(fixture.store.underway.size() == 1);
  fixture.store.finish({}, true);
  fixture.store.finish({}, true);
  CHECK(fixture.store.read().at("g").generation == GroupGeneration(2));
  CHECK(fixture.store.read().at("g").members.empty());
}

TEST_CASE("the protocol that most members like best is chosen, of those that all have") {
  GroupFixture fixture;
  JoinRequest a = GroupFixture::request("a"), b = GroupFixture::request("b"), c = GroupFixture::request("c");
  a.protocols = {{"sticky", "1"}, {"range", "2"}, {"robin", "3"}};
  b.protocols = {{"own", "4"}, {"robin", "5"}, {"range", "6"}};
  c.protocols = {{"robin", "7"}, {"range", "8"}};
  const auto first = fixture.join(a);
  fixture.join(b);
  fixture.join(c);
  fixture.advance_ms(6'050);
  REQUIRE(first->has_value());
  CHECK((*first)->protocol == "robin");
  REQUIRE((*first)->members.size() == 3);
  CHECK((*first)->members[0].metadata == "3");
}

TEST_CASE("a member with no protocol that all have, or of another type, is refused") {
  GroupFixture fixture(no_delay());
  JoinRequest request = GroupFixture::request("a");
  request.protocols.clear();
  CHECK((*fixture.join(request))->status.code() == Errc::inconsistent_group_protocol);
  request = GroupFixture::request("a");
  request.protocol_type.clear();
  CHECK((*fixture.join(request))->status.code() == Errc::inconsistent_group_protocol);
  CHECK(fixture.state() == GroupState::dead);  // neither has made a group
  fixture.form(1);
  request = GroupFixture::request("b");
  request.protocols = {{"sticky", ""}};
  const auto other = fixture.join(request);
  CHECK((*other)->status.code() == Errc::inconsistent_group_protocol);
  CHECK((*other)->status.error().message.find("sticky") != std::string::npos);
  request = GroupFixture::request("b");
  request.protocol_type = "connect";
  CHECK((*fixture.join(request))->status.code() == Errc::inconsistent_group_protocol);
  CHECK(fixture.state() == GroupState::stable);
}

TEST_CASE("names and times outside their limits are refused, and the message has the limit") {
  GroupFixture fixture;
  JoinRequest request = GroupFixture::request("a");
  request.session_timeout_ms = 5'999;
  auto answer = fixture.join(request);
  CHECK((*answer)->status.code() == Errc::invalid_session_timeout);
  CHECK((*answer)->status.error().message.find("6000") != std::string::npos);
  request.session_timeout_ms = 1'800'001;
  CHECK((*fixture.join(request))->status.code() == Errc::invalid_session_timeout);
  request = GroupFixture::request("a");
  request.group.clear();
  CHECK((*fixture.join(request))->status.code() == Errc::invalid_group_id);
  request.group = std::string(256, 'g');
  CHECK((*fixture.join(request))->status.code() == Errc::invalid_group_id);
  for (const char* bad : {"", ".", "..", "a b", "a/b"})
    CHECK((*fixture.join(GroupFixture::static_request("a", bad)))->status.code() == Errc::invalid_argument);
  CHECK(fixture.groups->heartbeat(fixture.principal, "", {}).code() == Errc::invalid_group_id);
}

TEST_CASE("a member id has the client's name, cut between two characters") {
  GroupFixture fixture(no_delay());
  std::string name(254, 'x');
  name += "\xc3\xa4";
  CHECK((*fixture.join(GroupFixture::request(name)))->member_id == MemberId(std::string(254, 'x') + "-1"));
}

TEST_CASE("a full group takes no further member, and takes its own again") {
  GroupLimits limits = no_delay();
  limits.max_size = 2;
  GroupFixture fixture(limits);
  const auto first = fixture.form(1);
  const auto second = fixture.join(GroupFixture::request("b"));
  const auto third = fixture.join(GroupFixture::request("c"));
  CHECK_FALSE(third->has_value());
  // While a rebalance waits for members, the first two that come are in.
  const auto rejoined = fixture.join(again(first[0], "c0"));
  REQUIRE(rejoined->has_value());
  CHECK((*rejoined)->status.code() == Errc::group_max_size_reached);
  CHECK((*rejoined)->member_id.empty());
  REQUIRE(second->has_value());
  REQUIRE(third->has_value());
  const auto members = fixture.share_out({second, third});
  const auto fourth = fixture.join(GroupFixture::request("d"));
  CHECK((*fourth)->status.code() == Errc::group_max_size_reached);
  CHECK(fixture.heartbeat(members[0]) == Errc::ok);
}

TEST_CASE("what members of all groups send to join has one bound, and who goes makes room") {
  GroupLimits limits = no_delay();
  limits.members_max_bytes = 100'000;
  GroupFixture fixture(limits);
  const auto joins = [&](const std::string& group, std::size_t bytes) {
    JoinRequest request = GroupFixture::request("c");
    request.group = group;
    request.protocols = {{"range", std::string(bytes, 'm')}};
    return fixture.join(request);
  };
  const auto first = joins("one", 40'000);
  REQUIRE(first->has_value());
  REQUIRE((*first)->status.ok());
  REQUIRE((*joins("two", 40'000))->status.ok());
  const auto third = joins("three", 40'000);
  REQUIRE(third->has_value());
  CHECK((*third)->status.code() == Errc::group_max_size_reached);
  CHECK((*third)->status.error().message.find("group.members.max.bytes") != std::string::npos);
  CHECK_FALSE(fixture.groups->knows("three"));
  CHECK((*joins("three", 1'000))->status.ok());
  // A member of its own that comes again with no more is let in, with more it is not.
  JoinRequest request = GroupFixture::request("c", (*first)->member_id);
  request.group = "one";
  request.protocols = {{"range", std::string(80'000, 'm')}};
  CHECK((*fixture.join(request))->status.code() == Errc::group_max_size_reached);
  request.protocols = {{"range", std::string(39'000, 'n')}};
  CHECK((*fixture.join(request))->status.ok());
  LeavingMember leaving;
  leaving.member_id = (*first)->member_id;
  REQUIRE(fixture.groups->leave(fixture.principal, "one", {leaving}).ok());
  CHECK((*joins("four", 40'000))->status.ok());
}

TEST_CASE("what a leader shares out has the same bound", "[memory]") {
  GroupLimits limits = no_delay();
  limits.members_max_bytes = 100'000;
  GroupFixture fixture(limits);
  const auto joined = fixture.join(GroupFixture::request("c"));
  REQUIRE((*joined)->status.ok());
  SyncRequest request;
  request.group = "g";
  request.member.member_id = (*joined)->member_id;
  request.member.generation = (*joined)->generation;
  request.assignments[(*joined)->member_id] = std::string(200'000, 'a');
  CHECK((*fixture.sync(request))->status.code() == Errc::group_max_size_reached);
  request.assignments[(*joined)->member_id] = std::string(50'000, 'a');
  CHECK((*fixture.sync(request))->status.ok());
}

TEST_CASE("ids that are handed out count as members, and make room when their time is over") {
  GroupLimits limits = no_delay();
  limits.members_max_bytes = 100'000;
  GroupFixture fixture(limits);
  JoinRequest request = GroupFixture::request("c");
  request.require_known_member_id = true;
  int handed_out = 0;
  while ((*fixture.join(request))->status.code() == Errc::member_id_required) REQUIRE(++handed_out < 1'000);
  CHECK(handed_out > 10);
  CHECK((*fixture.join(request))->status.code() == Errc::group_max_size_reached);
  fixture.advance_ms(request.session_timeout_ms + 1);
  CHECK((*fixture.join(request))->status.code() == Errc::member_id_required);
}

// ---- rebalances

TEST_CASE("who comes, who leaves and who falls silent take a stable group through a rebalance") {
  GroupFixture fixture(no_delay());
  auto members = fixture.form(1);
  const auto second = fixture.join(GroupFixture::request("b"));
  CHECK_FALSE(second->has_value());
  CHECK(fixture.state() == GroupState::preparing_rebalance);
  CHECK(fixture.heartbeat(members[0]) == Errc::rebalance_in_progress);
  CHECK((*fixture.sync(members[0]))->status.code() == Errc::rebalance_in_progress);
  members = fixture.share_out({fixture.join(again(members[0], "c0")), second});
  CHECK(members[0].generation == GroupGeneration(2));

  CHECK(fixture.leave(members[1].member_id) == Errc::ok);
  CHECK(fixture.heartbeat(members[1]) == Errc::unknown_member_id);
  CHECK(fixture.heartbeat(members[0]) == Errc::rebalance_in_progress);
  members = fixture.share_out({fixture.join(again(members[0], "c0"))});
  CHECK(members[0].generation == GroupGeneration(3));

  fixture.advance_ms(9'900);
  CHECK(fixture.heartbeat(members[0]) == Errc::ok);
  fixture.advance_ms(9'900);
  CHECK(fixture.state() == GroupState::stable);
  fixture.advance_ms(200);
  CHECK(fixture.state() == GroupState::empty);
  CHECK(fixture.heartbeat(members[0]) == Errc::unknown_member_id);
  CHECK(fixture.store.read().at("g").generation == GroupGeneration(4));
}

TEST_CASE("a member that waits is alive, one that does not join again in time is dropped") {
  GroupFixture fixture(no_delay());
  const auto members = fixture.form(std::vector<JoinRequest>{GroupFixture::request("a")});
  const auto b = fixture.join(GroupFixture::request("b"));
  const auto both = fixture.share_out({fixture.join(again(members[0], "a")), b});
  const JoinAnswer leader = both[0], follower = both[1];
  const auto waits = fixture.join(again(leader, "a"));
  for (int i = 0; i < 4; ++i) {
    fixture.advance_ms(7'000);  // longer than the session timeout in all
    CHECK(fixture.heartbeat(follower) == Errc::rebalance_in_progress);
    CHECK_FALSE(waits->has_value());
  }
  fixture.advance_ms(2'100);  // the rebalance timeout
  REQUIRE(waits->has_value());
  REQUIRE_OK((*waits)->status);
  CHECK((*waits)->members.size() == 1);
  CHECK(fixture.heartbeat(follower) == Errc::unknown_member_id);
  // And from its answer on it has a whole session timeout.
  fixture.advance_ms(9'900);
  CHECK(fixture.heartbeat(**waits) == Errc::ok);
}

TEST_CASE("the longest rebalance timeout of the members counts") {
  GroupFixture fixture(no_delay());
  JoinRequest slow = GroupFixture::request("a");
  slow.rebalance_timeout_ms = 60'000;
  slow.session_timeout_ms = 120'000;
  const auto members = fixture.form(std::vector<JoinRequest>{slow});
  const auto quick = fixture.join(GroupFixture::request("b"));
  fixture.advance_ms(59'900);
  CHECK_FALSE(quick->has_value());
  fixture.advance_ms(200);
  REQUIRE(quick->has_value());
  CHECK(fixture.heartbeat(members[0]) == Errc::unknown_member_id);
}

TEST_CASE("a follower that comes again unchanged gets its generation, a leader asks for a rebalance") {
  GroupFixture fixture;
  const auto members = fixture.form(2);
  const std::string leader = "c0", follower = "c1";
  REQUIRE(members[0].member_id == MemberId("c0-1"));
  const auto lost = fixture.join(again(members[1], follower));
  REQUIRE(lost->has_value());
  CHECK((*lost)->generation == GroupGeneration(1));
  CHECK((*lost)->leader == members[0].member_id);
  CHECK(fixture.state() == GroupState::stable);
  SECTION("changed") {
    JoinRequest changed = again(members[1], follower);
    changed.protocols[0].metadata = "other topics";
    CHECK_FALSE(fixture.join(changed)->has_value());
    CHECK(fixture.state() == GroupState::preparing_rebalance);
  }
  SECTION("the leader") {
    CHECK_FALSE(fixture.join(again(members[0], leader))->has_value());
    CHECK(fixture.state() == GroupState::preparing_rebalance);
  }
}

TEST_CASE("between two assignments who comes again unchanged gets its generation, the leader with the members") {
  GroupFixture fixture;
  const auto a = fixture.join(GroupFixture::request("a"));
  const auto b = fixture.join(GroupFixture::request("b"));
  fixture.advance_ms(6'050);
  const auto a_again = fixture.join(again(**a, "a"));
  REQUIRE(a_again->has_value());
  CHECK((*a_again)->members.size() == 2);
  CHECK((*a_again)->generation == (*a)->generation);
  const auto b_again = fixture.join(again(**b, "b"));
  REQUIRE(b_again->has_value());
  CHECK((*b_again)->members.empty());
  // Changed, it is a rebalance: who waits for its share has to join again.
  const auto waits = fixture.sync(**a_again);
  JoinRequest changed = again(**b, "b");
  changed.protocols[0].metadata = "other topics";
  CHECK_FALSE(fixture.join(changed)->has_value());
}

TEST_CASE("followers whose leader shares out anew are told to join again") {
  GroupFixture fixture;
  const auto a = fixture.join(GroupFixture::request("a"));
  const auto b = fixture.join(GroupFixture::request("b"));
  fixture.advance_ms(6'050);
  const auto waits = fixture.sync(**b);
  CHECK_FALSE(waits->has_value());
  const auto newcomer = fixture.join(GroupFixture::request("c"));
  REQUIRE(waits->has_value());
  CHECK((*waits)->status.code() == Errc::rebalance_in_progress);
  CHECK(fixture.heartbeat(**b) == Errc::rebalance_in_progress);
  CHECK_FALSE(newcomer->has_value());
}

TEST_CASE("a leader that never shares out is dropped after the rebalance timeout") {
  GroupFixture fixture;
  const auto a = fixture.join(GroupFixture::request("a"));
  const auto b = fixture.join(GroupFixture::request("b"));
  fixture.advance_ms(6'050);
  const auto waits = fixture.sync(**b);
  for (int i = 0; i < 4; ++i) {
    fixture.advance_ms(7'000);
    CHECK(fixture.heartbeat(**a) == Errc::ok);  // alive, but it does not share out
  }
  CHECK_FALSE(waits->has_value());
  fixture.advance_ms(2'100);
  REQUIRE(waits->has_value());
  CHECK((*waits)->status.code() == Errc::rebalance_in_progress);
  CHECK(fixture.heartbeat(**a) == Errc::unknown_member_id);
  const auto next = fixture.join(again(**b, "b"));
  REQUIRE(next->has_value());
  CHECK((*next)->leader == (*b)->member_id);
  CHECK((*next)->members.size() == 1);
}

TEST_CASE("a follower that never fetches its share is dropped after the rebalance timeout") {
  GroupFixture fixture;
  const auto a = fixture.join(GroupFixture::request("a"));
  const auto b = fixture.join(GroupFixture::request("b"));
  fixture.advance_ms(6'050);
  fixture.sync(**a);
  CHECK(fixture.state() == GroupState::stable);
  for (int i = 0; i < 5; ++i) {
    fixture.advance_ms(6'050);
    (void)fixture.heartbeat(**a);
    (void)fixture.heartbeat(**b);
  }
  CHECK(fixture.heartbeat(**a) == Errc::rebalance_in_progress);
  CHECK(fixture.heartbeat(**b) == Errc::unknown_member_id);
}

TEST_CASE("a sync or heartbeat of another generation or member is refused") {
  GroupFixture fixture(no_delay());
  const auto members = fixture.form(1);
  JoinAnswer old = members[0];
  old.generation = GroupGeneration(0);
  CHECK((*fixture.sync(old))->status.code() == Errc::illegal_generation);
  CHECK(fixture.heartbeat(old) == Errc::illegal_generation);
  old.member_id = MemberId("stranger");
  CHECK((*fixture.sync(old))->status.code() == Errc::unknown_member_id);
  CHECK(fixture.heartbeat(old) == Errc::unknown_member_id);
  SyncRequest sync{"g", GroupFixture::claim(members[0]), "connect", {}, {}};
  CHECK((*fixture.sync(sync))->status.code() == Errc::inconsistent_group_protocol);
  sync.protocol_type = "consumer";
  sync.protocol = "sticky";
  CHECK((*fixture.sync(sync))->status.code() == Errc::inconsistent_group_protocol);
  sync.protocol = "range";
  CHECK((*fixture.sync(sync))->status.ok());
  sync.group = "none";
  CHECK((*fixture.sync(sync))->status.code() == Errc::unknown_member_id);
}

TEST_CASE("a second call of a member takes the place of the first, which is answered") {
  GroupFixture fixture;
  JoinRequest request = GroupFixture::request("a");
  request.require_known_member_id = true;
  request.member_id = (*fixture.join(request))->member_id;
  const auto first = fixture.join(request);
  const auto second = fixture.join(request);
  REQUIRE(first->has_value());
  CHECK((*first)->status.code() == Errc::rebalance_in_progress);
  fixture.advance_ms(6'050);
  REQUIRE(second->has_value());
  REQUIRE_OK((*second)->status);
  CHECK((*second)->members.size() == 1);
}

TEST_CASE("a member that waits for its first answer is kept for five minutes") {
  GroupFixture fixture(no_delay());
  JoinRequest slow = GroupFixture::request("a");
  slow.rebalance_timeout_ms = 900'000;
  slow.session_timeout_ms = 900'000;
  fixture.form(std::vector<JoinRequest>{slow});
  const auto newcomer = fixture.join(GroupFixture::request("b"));
  fixture.advance_ms(299'000);
  CHECK_FALSE(newcomer->has_value());
  fixture.advance_ms(1'100);
  REQUIRE(newcomer->has_value());
  CHECK((*newcomer)->status.code() == Errc::unknown_member_id);
}

// ---- static members

TEST_CASE("a static member that comes back takes its place over and nobody else notices") {
  GroupFixture fixture;
  const auto members = fixture.form(
      {GroupFixture::static_request("a", "A"), GroupFixture::static_request("b", "B"), GroupFixture::request("c")});
  const JoinAnswer& old = members[1];
  REQUIRE(old.member_id == MemberId("B-2"));
  const int saves = fixture.store.saves;
  const auto back = fixture.join(GroupFixture::static_request("b", "B"));
  REQUIRE(back->has_value());
  REQUIRE_OK((*back)->status);
  CHECK((*back)->member_id != old.member_id);
  CHECK((*back)->generation == old.generation);
  CHECK((*back)->leader == members[0].member_id);
  CHECK(fixture.state() == GroupState::stable);
  CHECK((*fixture.sync(**back))->assignment == "share of B-2");
  CHECK(fixture.heartbeat(members[0]) == Errc::ok);
  // The old one is fenced, by its instance id and by its member id.
  const GroupMemberClaim claim{old.member_id, GroupInstanceId("B"), old.generation};
  CHECK(fixture.groups->heartbeat(fixture.principal, "g", claim).code() == Errc::fenced_instance_id);
  CHECK((*fixture.sync(SyncRequest{"g", claim, {}, {}, {}}))->status.code() == Errc::fenced_instance_id);
  CHECK((*fixture.join(GroupFixture::static_request("b", "B", old.member_id)))->status.code() ==
        Errc::fenced_instance_id);
  CHECK(fixture.groups->validate_commit("g", claim).code() == Errc::fenced_instance_id);
  CHECK(fixture.heartbeat(old) == Errc::unknown_member_id);
  // And it outlives the broker.
  CHECK(fixture.store.saves == saves + 1);
  fixture.restart_and_load();
  CHECK(fixture.heartbeat(**back) == Errc::ok);
}

TEST_CASE("a leader that comes back is told to leave the assignment as it is, where it understands that") {
  GroupFixture fixture;
  const auto members = fixture.form({GroupFixture::static_request("a", "A"), GroupFixture::static_request("b", "B")});
  REQUIRE(members[0].member_id == MemberId("A-1"));
  JoinRequest request = GroupFixture::static_request("a", "A");
  SECTION("it does") {
    request.supports_skipping_assignment = true;
    const auto back = fixture.join(request);
    REQUIRE(back->has_value());
    CHECK((*back)->skip_assignment);
    CHECK((*back)->leader == (*back)->member_id);
    CHECK((*back)->members.size() == 2);
  }
  SECTION("it does not, and does not hear that it leads") {
    const auto back = fixture.join(request);
    REQUIRE(back->has_value());
    CHECK_FALSE((*back)->skip_assignment);
    CHECK((*back)->leader == MemberId("A-1"));
    CHECK((*back)->members.empty());
  }
  SECTION("it joins once more: it asks for a rebalance") {
    const auto back = fixture.join(request);
    request.member_id = (*back)->member_id;
    CHECK_FALSE(fixture.join(request)->has_value());
    CHECK(fixture.state() == GroupState::preparing_rebalance);
  }
}

TEST_CASE("a static member that comes back with other protocols takes the group through a rebalance") {
  GroupFixture fixture(no_delay());
  JoinRequest request = GroupFixture::static_request("a", "A");
  request.protocols = {{"range", ""}, {"sticky", ""}};
  fixture.form(std::vector<JoinRequest>{request});
  request.protocols = {{"sticky", ""}, {"range", ""}};
  const auto back = fixture.join(request);
  REQUIRE(back->has_value());
  CHECK((*back)->generation == GroupGeneration(2));
  CHECK((*back)->protocol == "sticky");
}

TEST_CASE("a static member whose return cannot be written has not returned") {
  GroupFixture fixture(no_delay());
  const auto members = fixture.form(std::vector<JoinRequest>{GroupFixture::static_request("a", "A")});
  fixture.store.held = true;
  const auto back = fixture.join(GroupFixture::static_request("a", "A"));
  CHECK_FALSE(back->has_value());
  fixture.store.finish(Error{Errc::storage_full, "no room"});
  REQUIRE(back->has_value());
  CHECK((*back)->status.code() == Errc::coordinator_not_available);
  CHECK((*back)->member_id.empty());
  CHECK(fixture.heartbeat(members[0]) == Errc::ok);
}

TEST_CASE("a static member that comes back while a rebalance waits is in it, and the old one's call is fenced") {
  GroupFixture fixture;
  const auto first = fixture.join(GroupFixture::static_request("a", "A"));
  const auto second = fixture.join(GroupFixture::static_request("a", "A"));
  REQUIRE(first->has_value());
  CHECK((*first)->status.code() == Errc::fenced_instance_id);
  fixture.advance_ms(6'050);
  REQUIRE(second->has_value());
  CHECK((*second)->members.size() == 1);
  CHECK((*second)->leader == (*second)->member_id);
}

TEST_CASE("a static member stays through a rebalance that it misses, until its session ends") {
  GroupFixture fixture;
  JoinRequest lasting = GroupFixture::static_request("b", "B");
  lasting.session_timeout_ms = 300'000;
  lasting.rebalance_timeout_ms = 30'000;
  const auto members = fixture.form({GroupFixture::request("a"), lasting});
  const auto next = fixture.join(again(members[0], "a"));
  fixture.advance_ms(30'100);
  REQUIRE(next->has_value());
  CHECK((*next)->members.size() == 2);  // with what it said last
  // It does not leave when it is closed; it is let go by its instance id.
  const auto left = fixture.groups->leave(fixture.principal, "g", {{MemberId(), GroupInstanceId("B")}});
  REQUIRE_OK(left);
  CHECK(left->front().ok());
  CHECK(fixture.state() == GroupState::preparing_rebalance);
}

TEST_CASE("a group of static members that are all away waits for one of them") {
  GroupFixture fixture(no_delay());
  JoinRequest request = GroupFixture::static_request("a", "A");
  request.session_timeout_ms = 100'000;
  fixture.form(std::vector<JoinRequest>{request});
  const auto other = fixture.join(GroupFixture::request("b"));
  CHECK(fixture.groups->leave(fixture.principal, "g", {{MemberId("b-2")}})->front().ok());
  CHECK((*other)->status.code() == Errc::unknown_member_id);
  fixture.advance_ms(31'000);
  CHECK(fixture.state() == GroupState::preparing_rebalance);
  const auto back = fixture.join(request);
  REQUIRE(back->has_value());
  CHECK((*back)->members.size() == 1);
}

// ---- leaving

TEST_CASE("members leave together, and each has its own answer") {
  GroupFixture fixture;
  const auto members = fixture.form(
      {GroupFixture::request("a"), GroupFixture::static_request("b", "B"), GroupFixture::static_request("c", "C")});
  const auto left = fixture.groups->leave(fixture.principal, "g",
                                          {{MemberId("stranger")},
                                           {MemberId("a-1"), GroupInstanceId("B")},  // another one's instance id
                                           {MemberId(), GroupInstanceId("nobody")},
                                           {MemberId()},
                                           {MemberId(), GroupInstanceId("B")},
                                           {MemberId("C-3"), GroupInstanceId("C")}});
  REQUIRE_OK(left);
  std::vector<Errc> codes;
  for (const Status& one : *left) codes.push_back(one.code());
  CHECK(codes == std::vector<Errc>{Errc::unknown_member_id, Errc::fenced_instance_id, Errc::unknown_member_id,
                                   Errc::unknown_member_id, Errc::ok, Errc::ok});
  CHECK(fixture.heartbeat(members[0]) == Errc::rebalance_in_progress);
  const auto alone = fixture.join(again(members[0], "a"));
  REQUIRE(alone->has_value());
  CHECK((*alone)->members.size() == 1);
  const auto nowhere = fixture.groups->leave(fixture.principal, "none", {{MemberId("a-1")}});
  REQUIRE_OK(nowhere);
  CHECK(nowhere->front().code() == Errc::unknown_member_id);
}

TEST_CASE("a member that leaves while it waits is answered") {
  GroupFixture fixture;
  const auto a = fixture.join(GroupFixture::request("a"));
  const auto b = fixture.join(GroupFixture::request("b"));
  CHECK(fixture.leave(MemberId("a-1")) == Errc::ok);
  REQUIRE(a->has_value());
  CHECK((*a)->status.code() == Errc::unknown_member_id);
  fixture.advance_ms(6'050);
  REQUIRE(b->has_value());
  CHECK((*b)->leader == (*b)->member_id);
  const auto waits = fixture.sync(SyncRequest{"g", {MemberId("b-2"), {}, (*b)->generation}, {}, {}, {}});
  fixture.store.held = true;
  const auto c = fixture.join(GroupFixture::request("c"));
  CHECK_FALSE(c->has_value());
}

// ---- commits

TEST_CASE("a group's offsets are committed by its members, in their generation") {
  GroupFixture fixture(no_delay());
  const auto valid = [&](const GroupMemberClaim& claim, bool transactional = false) {
    return fixture.groups->validate_commit("g", claim, transactional).code();
  };
  const GroupMemberClaim simple;
  CHECK(valid(simple) == Errc::ok);  // there is no such group
  CHECK(valid({MemberId("m"), {}, GroupGeneration(1)}) == Errc::illegal_generation);
  const auto joined = fixture.join(GroupFixture::request("a"));
  const GroupMemberClaim member = GroupFixture::claim(**joined);
  CHECK(valid(member) == Errc::rebalance_in_progress);  // no assignment yet
  CHECK(valid(member, true) == Errc::ok);
  CHECK(valid(simple) == Errc::unknown_member_id);
  fixture.sync(**joined);
  CHECK(valid(member) == Errc::ok);
  CHECK(valid(simple) == Errc::unknown_member_id);
  CHECK(valid(simple, true) == Errc::ok);
  CHECK(valid({member.member_id, {}, GroupGeneration(0)}) == Errc::illegal_generation);
  CHECK(valid({member.member_id, {}, kNoGeneration}) == Errc::illegal_generation);
  CHECK(valid({MemberId("m"), {}, member.generation}) == Errc::unknown_member_id);
  CHECK(valid({member.member_id, GroupInstanceId("A"), member.generation}) == Errc::unknown_member_id);
  // Members commit what they have before they join the next generation.
  const auto newcomer = fixture.join(GroupFixture::request("b"));
  CHECK(fixture.state() == GroupState::preparing_rebalance);
  CHECK(valid(member) == Errc::ok);
  CHECK(fixture.leave(MemberId("b-2")) == Errc::ok);
  CHECK(fixture.leave(member.member_id) == Errc::ok);
  CHECK(valid(simple) == Errc::ok);
  CHECK(valid(member) == Errc::unknown_member_id);
}

TEST_CASE("a commit counts as a heartbeat") {
  GroupFixture fixture(no_delay());
  const auto members = fixture.form(1);
  for (int i = 0; i < 3; ++i) {
    fixture.advance_ms(9'900);
    CHECK(fixture.groups->validate_commit("g", GroupFixture::claim(members[0])).ok());
  }
  CHECK(fixture.state() == GroupState::stable);
}

// ---- administration

TEST_CASE("a group is described with its members, whose metadata only a stable group shows") {
  GroupFixture fixture;
  CHECK(fixture.groups->describe(fixture.principal, "g").code() == Errc::group_id_not_found);
  const auto members = fixture.form({GroupFixture::request("a"), GroupFixture::static_request("b", "B")});
  auto described = fixture.groups->describe(fixture.principal, "g");
  REQUIRE_OK(described);
  CHECK(group_state_name(described->state) == "Stable");
  CHECK(described->protocol_type == "consumer");
  CHECK(described->protocol == "range");
  REQUIRE(described->members.size() == 2);
  const GroupMemberDescription& b = described->members[0];
  CHECK(b.member_id == MemberId("B-2"));
  CHECK(b.instance_id == GroupInstanceId("B"));
  CHECK(b.client_id == "b");
  CHECK(b.client_host == "/10.0.0.1");
  CHECK(b.metadata == "b wants t");
  CHECK(b.assignment == "share of B-2");
  fixture.leave(MemberId("a-1"));
  described = fixture.groups->describe(fixture.principal, "g");
  REQUIRE_OK(described);
  CHECK(group_state_name(described->state) == "PreparingRebalance");
  CHECK(described->protocol.empty());
  REQUIRE(described->members.size() == 1);
  CHECK(described->members[0].metadata.empty());
}

TEST_CASE("groups are listed by state, those only that the caller may describe") {
  GroupFixture fixture(no_delay());
  fixture.form(1);
  JoinRequest other = GroupFixture::request("x");
  other.group = "h";
  fixture.join(other);
  auto listed = fixture.groups->list(fixture.principal);
  REQUIRE_OK(listed);
  CHECK(listed->size() == 2);
  listed = fixture.groups->list(fixture.principal, {GroupState::completing_rebalance});
  REQUIRE_OK(listed);
  REQUIRE(listed->size() == 1);
  CHECK(listed->front().group == "h");
  CHECK(listed->front().protocol_type == "consumer");
  fixture.authorizer.denied = Operation::describe;
  listed = fixture.groups->list(fixture.principal);
  REQUIRE_OK(listed);
  REQUIRE(listed->size() == 1);
  CHECK(listed->front().group == "h");
}

TEST_CASE("whoever may not read a group neither joins it nor learns of it") {
  GroupFixture fixture(no_delay());
  const auto members = fixture.form(1);
  fixture.authorizer.denied = Operation::read;
  CHECK((*fixture.join(GroupFixture::request("b")))->status.code() == Errc::permission_denied);
  CHECK((*fixture.sync(members[0]))->status.code() == Errc::permission_denied);
  CHECK(fixture.heartbeat(members[0]) == Errc::permission_denied);
  CHECK(fixture.groups->leave(fixture.principal, "g", {}).code() == Errc::permission_denied);
  fixture.authorizer.denied = Operation::remove;
  CHECK(fixture.delete_group() == Errc::permission_denied);
  fixture.authorizer.denied = Operation::describe;
  CHECK(fixture.groups->describe(fixture.principal, "g").code() == Errc::permission_denied);
}

TEST_CASE("a group is deleted once its members have gone and its end is on disk") {
  GroupFixture fixture(no_delay());
  CHECK(fixture.delete_group() == Errc::group_id_not_found);
  const auto members = fixture.form(1);
  CHECK(fixture.delete_group() == Errc::non_empty_group);
  fixture.leave(members[0].member_id);
  fixture.store.held = true;
  Errc code = Errc::internal;
  fixture.groups->delete_group(fixture.caller(), "g", [&](const Status& status) { code = status.code(); });
  CHECK(code == Errc::internal);
  // Meanwhile it is neither there nor gone.
  CHECK((*fixture.join(GroupFixture::request("b")))->status.code() == Errc::coordinator_not_available);
  CHECK(fixture.groups->validate_commit("g", {}).code() == Errc::coordinator_not_available);
  CHECK(fixture.groups->describe(fixture.principal, "g").code() == Errc::group_id_not_found);
  SECTION("which works") {
    fixture.store.finish();
    CHECK(code == Errc::ok);
    CHECK(fixture.store.read().empty());
    fixture.store.held = false;
    CHECK(fixture.form(1)[0].generation == GroupGeneration(1));
  }
  SECTION("which fails") {
    fixture.store.finish(Error{Errc::storage_full, "no room"});
    CHECK(code == Errc::coordinator_not_available);
    CHECK(fixture.state() == GroupState::empty);
  }
}

// ---- restarts

TEST_CASE("a broker that is back within the session timeout causes no rebalance") {
  GroupFixture fixture;
  const auto members = fixture.form({GroupFixture::request("a"), GroupFixture::static_request("b", "B")});
  fixture.clock.advance_ms(60'000);
  fixture.restart();
  CHECK(fixture.heartbeat(members[0]) == Errc::coordinator_loading);
  CHECK((*fixture.join(GroupFixture::request("x")))->status.code() == Errc::coordinator_loading);
  CHECK((*fixture.sync(members[0]))->status.code() == Errc::coordinator_loading);
  CHECK(fixture.groups->list(fixture.principal).code() == Errc::coordinator_loading);
  CHECK(fixture.groups->validate_commit("g", {}).code() == Errc::coordinator_loading);
  CHECK(fixture.delete_group() == Errc::coordinator_loading);
  fixture.groups->loaded(fixture.store.read());
  fixture.advance_ms(9'900);
  for (const JoinAnswer& one : members) CHECK(fixture.heartbeat(one) == Errc::ok);
  CHECK((*fixture.sync(members[1]))->assignment == "share of B-2");
  CHECK(fixture.state() == GroupState::stable);
  CHECK(fixture.groups->validate_commit("g", GroupFixture::claim(members[0])).ok());
  // The generation goes on from there.
  fixture.leave(MemberId("B-2"));
  const auto next = fixture.join(again(members[0], "a"));
  REQUIRE(next->has_value());
  CHECK((*next)->generation == GroupGeneration(2));
  CHECK((*next)->leader == members[0].member_id);
}

TEST_CASE("members that do not come back after a restart are dropped") {
  GroupFixture fixture;
  const auto members = fixture.form(2);
  fixture.restart_and_load();
  fixture.advance_ms(5'000);
  CHECK(fixture.heartbeat(members[0]) == Errc::ok);
  fixture.advance_ms(5'100);
  CHECK(fixture.heartbeat(members[1]) == Errc::unknown_member_id);
  CHECK(fixture.heartbeat(members[0]) == Errc::rebalance_in_progress);
}

TEST_CASE("a group that has become empty is empty after a restart") {
  GroupFixture fixture(no_delay());
  const auto members = fixture.form(1);
  fixture.leave(members[0].member_id);
  fixture.restart_and_load();
  CHECK(fixture.state() == GroupState::empty);
  CHECK(fixture.form(1)[0].generation == GroupGeneration(3));
}

TEST_CASE("the metrics count groups by state, members and rebalances") {
  GroupFixture fixture;
  const auto number = [&](const std::string& name) {
    Metrics::Numbers numbers;
    fixture.groups->add_numbers(numbers);
    for (const auto& [found, value] : numbers)
      if (found == name) return value;
    return -1.0;
  };
  CHECK(number("groups.members") == 0);
  fixture.form(2);
  CHECK(number("groups.stable") == 1);
  CHECK(number("groups.members") == 2);
  CHECK(number("groups.rebalances") >= 1);
  const auto waits = fixture.join(GroupFixture::request("late"));
  CHECK(number("groups.stable") == 0);
  CHECK(number("groups.preparing_rebalance") == 1);
  fixture.groups->stop();
}

TEST_CASE("a stop answers everybody who waits, and changes no group") {
  GroupFixture fixture;
  const auto members = fixture.form(1);
  const auto waits = fixture.join(GroupFixture::request("b"));
  const int saves = fixture.store.saves;
  fixture.groups->stop();
  REQUIRE(waits->has_value());
  CHECK((*waits)->status.code() == Errc::shutting_down);
  CHECK(fixture.heartbeat(members[0]) == Errc::shutting_down);
  fixture.advance_ms(60'000);
  CHECK(fixture.store.saves == saves);
  fixture.restart_and_load();
  CHECK(fixture.heartbeat(members[0]) == Errc::ok);
}

}  // namespace
}  // namespace logcask
