// Committed offsets and what is seen of groups, over a real log on a disk in memory.
#include "broker/services/groups_service.h"

#include "broker/services/group_admin.h"
#include "broker/services/group_expiry.h"
#include "tests/broker/services/service_fixture.h"

namespace logcask::testing {
namespace {

using Statuses = std::optional<Result<std::vector<Status>>>;

struct GroupsFixture : ServiceFixture {
  GroupsFixture() {
    start();
    REQUIRE_OK(groups->load());
    create("t", 2);
    for (int i = 0; i < 5; ++i) put("t", "k", "v" + std::to_string(i));
  }
  // A broker that has read nothing yet.
  void start() {
    admin.reset();
    groups.reset();
    names.emplace();
    coordinator.emplace(GroupCoordinator::Parts{authorizer, clock, loop, *offsets_topic, [] { return "1"; }, &*names},
                        GroupLimits());
    consumers.emplace(ConsumerGroupCoordinator::Parts{authorizer,
                                                      clock,
                                                      loop,
                                                      *offsets_topic,
                                                      *names,
                                                      [this] { return topics.generation(); },
                                                      [this] { return known_topics(topics); },
                                                      {}},
                      ConsumerGroupLimits());
    groups.emplace(parts, *offsets_topic, *coordinator, *consumers);
    admin.emplace(parts, *groups, *coordinator, *consumers);
  }
  // What the broker says to the first of the commits.
  Errc commit(CommitRequest request) {
    Statuses statuses;
    groups->commit(principal, std::move(request), [&](auto answer) { statuses = std::move(answer); });
    run();
    REQUIRE(statuses);
    return statuses->ok() ? (**statuses)[0].code() : statuses->code();
  }
  Errc commit_as(const GroupMemberClaim& member, std::int64_t offset) {
    CommitRequest request = of(offset);
    request.member = member;
    return commit(request);
  }
  CommitRequest of(std::int64_t offset, bool any_offset = false) {
    return {"g", {}, {{"t", PartitionId(0), Offset(offset), LeaderEpoch(-1), "note"}}, any_offset};
  }
  std::int64_t committed() {
    const auto fetched = groups->fetch(principal, "g", {{"t", PartitionId(0)}});
    REQUIRE_OK(fetched);
    return fetched->at(0).value ? fetched->at(0).value->offset.value() : -1;
  }
  // The only member of "g"; it reads t.
  GroupMemberClaim join() {
    JoinRequest request;
    request.group = "g";
    request.session_timeout_ms = request.rebalance_timeout_ms = 10'000;
    request.protocol_type = "consumer";
    request.protocols = {{"range", std::string("\0\0\0\0\0\1\0\1t", 9)}};
    std::optional<JoinAnswer> joined;
    coordinator->join({principal, loop}, request, [&](const JoinAnswer& answer) { joined = answer; });
    clock.advance_ms(3'000);
    loop.advance_ms(3'000);
    run();
    REQUIRE(joined);
    REQUIRE_OK(joined->status);
    GroupMemberClaim member{joined->member_id, std::nullopt, joined->generation};
    std::optional<SyncAnswer> synced;
    coordinator->sync({principal, loop}, {.group = "g", .member = member, .assignments = {{member.member_id, "all"}}},
                      [&](const SyncAnswer& answer) { synced = answer; });
    run();
    REQUIRE(synced);
    REQUIRE_OK(synced->status);
    return member;
  }
  // The only member of "g" in the newer protocol; it reads t.
  ConsumerHeartbeatAnswer beat(GroupEpoch epoch) {
    ConsumerHeartbeat heartbeat;
    heartbeat.group = "g";
    heartbeat.member_id = MemberId("m");
    heartbeat.epoch = epoch;
    if (epoch == kJoins) {
      heartbeat.rebalance_timeout_ms = 10'000;
      heartbeat.topics = {"t"};
      heartbeat.owned.emplace();
    }
    std::optional<ConsumerHeartbeatAnswer> answer;
    consumers->heartbeat({principal, loop}, heartbeat, [&](ConsumerHeartbeatAnswer given) { answer = given; });
    run();
    REQUIRE(answer);
    return *answer;
  }
  Errc classic_join() {
    JoinRequest request;
    request.group = "g";
    request.session_timeout_ms = request.rebalance_timeout_ms = 10'000;
    request.protocol_type = "consumer";
    request.protocols = {{"range", {}}};
    std::optional<Errc> code;
    coordinator->join({principal, loop}, request, [&](const JoinAnswer& answer) { code = answer.status.code(); });
    run();
    return code.value_or(Errc::ok);
  }
  Errc remove() {
    std::optional<Status> removed;
    admin->remove({principal, loop}, "g", [&](Status status) { removed = std::move(status); });
    run();
    REQUIRE(removed);
    return removed->code();
  }
  Errc forget(const std::string& topic) {
    Statuses statuses;
    admin->forget(principal, "g", {{topic, PartitionId(0)}}, [&](auto answer) { statuses = std::move(answer); });
    run();
    REQUIRE(statuses);
    return statuses->ok() ? (**statuses)[0].code() : statuses->code();
  }
  void commit_in(const std::string& group, std::int64_t offset, const std::string& note = "note") {
    CommitRequest request = of(offset);
    request.group = group;
    request.commits[0].metadata = note;
    REQUIRE(commit(request) == Errc::ok);
  }
  // Of both partitions of t, -1 where there is none; or what the broker says instead.
  std::string committed_in(const std::string& group) {
    const auto fetched = groups->fetch(principal, group, {{"t", PartitionId(0)}, {"t", PartitionId(1)}});
    if (!fetched.ok()) return fetched.error().to_string();
    std::string text;
    for (const CommittedOffset& one : *fetched)
      text += (text.empty() ? "" : " ") + std::to_string(one.value ? one.value->offset.value() : -1);
    return text;
  }
  PartitionFixture& log() { return partition("__consumer_offsets"); }
  // What a quiet partition holds of its log in memory, it gives back.
  void rest() {
    for (int second = 0; second < 10; ++second) {
      log().clock().advance_ms(1'000);
      log().partition().tick();
      log().run_all();
    }
  }
  // A bit of each `text` in the offsets topic's log flips; how many there were.
  int damage(const std::string& text) {
    rest();
    int damaged = 0;
    for (const std::string& path : log().disk().paths()) {
      if (!path.ends_with(".log")) continue;
      std::string content = *log().disk().content(path);
      for (std::size_t at = content.find(text); at != std::string::npos; at = content.find(text, at + 1)) {
        content[at] ^= 1;
        ++damaged;
      }
      log().disk().set_content(path, content);
    }
    return damaged;
  }
  // A broker whose offsets topic has been recovered from the disk.
  void recover() {
    log().partition().stop_writes({Errc::io_error, "the test opens the log anew"});
    REQUIRE_OK(log().partition().reopen());
    log().run_all();
    start();
  }
  OffsetsTopic own_offsets_topic{parts};
  OffsetsTopic* offsets_topic = &own_offsets_topic;
  std::optional<GroupNames> names;
  std::optional<GroupCoordinator> coordinator;
  std::optional<ConsumerGroupCoordinator> consumers;
  std::optional<GroupsService> groups;
  std::optional<GroupAdmin> admin;
};

TEST_CASE("a Kafka client commits any offset, and nobody else beyond the end", "[groups]") {
  GroupsFixture f;
  CHECK(f.commit(f.of(6)) == Errc::offset_out_of_range);
  CHECK(f.commit(f.of(5)) == Errc::ok);
  CHECK(f.committed() == 5);
  CHECK(f.commit(f.of(1000, true)) == Errc::ok);
  CHECK(f.committed() == 1000);
  f.start();
  CHECK(f.committed() == 1000);
}

TEST_CASE("while a group has members only they commit", "[groups]") {
  GroupsFixture f;
  const GroupMemberClaim member = f.join();
  CHECK(f.commit(f.of(1)) == Errc::unknown_member_id);
  CommitRequest request = f.of(2);
  request.member = member;
  CHECK(f.commit(request) == Errc::ok);
  request.member.generation = GroupGeneration(member.generation.value() + 1);
  CHECK(f.commit(request) == Errc::illegal_generation);
  CHECK(f.committed() == 2);
}

TEST_CASE("a group, its generation and its member survive a restart of the broker", "[groups]") {
  GroupsFixture f;
  const GroupMemberClaim member = f.join();
  CommitRequest request = f.of(3);
  request.member = member;
  CHECK(f.commit(request) == Errc::ok);
  f.start();
  CHECK(f.coordinator->heartbeat(f.principal, "g", member).code() == Errc::coordinator_loading);
  SECTION("loaded at the start") { REQUIRE_OK(f.groups->load()); }
  SECTION("loaded by whoever commits first") { CHECK(f.commit(request) == Errc::ok); }
  CHECK(f.coordinator->heartbeat(f.principal, "g", member).ok());
  CHECK(f.committed() == 3);
  const auto described = f.admin->describe(f.principal, "g");
  REQUIRE_OK(described);
  CHECK(described->state == GroupState::stable);
  CHECK(described->members.at(0).assignment == "all");
}

TEST_CASE("whoever cannot join since the groups cannot be read hears why", "[groups]") {
  GroupsFixture f;
  CHECK(f.commit(f.of(1)) == Errc::ok);
  f.start();
  const auto said = [&] { return f.coordinator->heartbeat(f.principal, "g", {}).error(); };
  CHECK_THAT(said().message, Catch::Contains("still being read"));
  f.log().partition().close({Errc::shutting_down, "the partition is closed"});
  const Status loaded = f.groups->load();
  CHECK(loaded.code() == Errc::shutting_down);
  CHECK(said().code == Errc::coordinator_loading);
  CHECK_THAT(said().message, Catch::Contains(loaded.error().to_string()));
}

TEST_CASE("a disk that is well again has its groups read, and until then it is said why not", "[groups]") {
  GroupsFixture f;
  const GroupMemberClaim member = f.join();
  CHECK(f.commit_as(member, 3) == Errc::ok);
  f.start();
  CHECK_FALSE(f.groups->load_failure());
  Fault fault;
  fault.kinds = {OperationKind::read};
  fault.name_suffix = ".log";
  fault.sticky = true;
  f.rest();
  f.log().disk().fail(fault);
  for (int round = 0; round < 2; ++round) {
    const Status loaded = f.groups->load();
    CHECK(loaded.code() == Errc::io_error);
    REQUIRE(f.groups->load_failure());
    CHECK(f.groups->load_failure()->message == loaded.error().message);
    const auto refused = f.coordinator->heartbeat(f.principal, "g", member);
    CHECK(refused.code() == Errc::coordinator_loading);
    CHECK_THAT(refused.error().message, Catch::Contains(loaded.error().to_string()));
  }
  f.log().disk().clear_faults();
  REQUIRE_OK(f.groups->load());
  CHECK_FALSE(f.groups->load_failure());
  CHECK(f.coordinator->heartbeat(f.principal, "g", member).ok());
  CHECK(f.committed() == 3);
}

TEST_CASE("a damaged batch of the offsets topic costs what is in it, and no other group", "[groups]") {
  GroupsFixture f;
  const GroupMemberClaim member = f.join();
  for (const char* group : {"before", "lost", "lost", "behind"}) f.commit_in(group, 1);
  REQUIRE(f.damage("lost") == 2);
  f.start();
  REQUIRE_OK(f.groups->load());
  CHECK(f.coordinator->heartbeat(f.principal, "g", member).ok());
  const auto listed = f.admin->list(f.principal);
  REQUIRE_OK(listed);
  std::vector<std::string> names;
  for (const GroupSummary& group : *listed) names.push_back(group.name);
  CHECK(names == std::vector<std::string>{"before", "behind", "g"});
  const auto problems = f.log().partition().snapshot().problems;
  REQUIRE(!problems.empty());
  CHECK(problems[0].kind == "damaged");
  // A new commit is kept, and found.
  f.commit_in("lost", 2);
  const auto fetched = f.groups->fetch(f.principal, "lost", {});
  REQUIRE_OK(fetched);
  CHECK(fetched->at(0).value->offset == Offset(2));
}

TEST_CASE("damage in a recovered offsets topic costs commits that are in it and hides no other", "[groups]") {
  GroupsFixture f;
  f.commit_in("kept", 1);
  f.commit_in("older", 1);
  f.commit_in("older", 2, "in the damage");
  f.commit_in("lost", 2, "in the damage");
  f.commit_in("behind", 3);
  REQUIRE(f.damage("in the damage") == 2);
  f.recover();
  // What is recovered so is damaged to the file's end, and no lookup there is sure of its key.
  const auto problems = f.log().partition().snapshot().problems;
  REQUIRE(problems.size() == 1);
  CHECK_THAT(problems[0].reason, Catch::StartsWith("offsets 2..5: "));
  REQUIRE(f.log().get("nobody's").error.code == Errc::corrupt_range);

  CHECK(f.committed_in("kept") == "1 -1");
  CHECK(f.committed_in("older") == "1 -1");
  CHECK(f.committed_in("lost") == "-1 -1");
  CHECK(f.committed_in("behind") == "3 -1");
  CHECK(f.committed_in("new") == "-1 -1");
  // What reading has met by now is the place that was known.
  CHECK(f.log().partition().snapshot().problems.size() == 1);
  SECTION("new commits are found") {
    for (const char* group : {"older", "lost", "new"}) f.commit_in(group, 4);
    for (const char* group : {"older", "lost", "new"}) CHECK(f.committed_in(group) == "4 -1");
    f.recover();
    for (const char* group : {"older", "lost", "new"}) CHECK(f.committed_in(group) == "4 -1");
    CHECK(f.committed_in("behind") == "3 -1");
  }
  SECTION("a group is described, reset and deleted") {
    const auto overview = f.admin->overview(f.principal, "behind");
    REQUIRE_OK(overview);
    CHECK(overview->offsets.size() == 2);
    f.groups->forget_group("behind", f.groups->commits_end(), [](const Status& gone) { REQUIRE_OK(gone); });
    f.run();
    CHECK(f.committed_in("behind") == "-1 -1");
  }
  SECTION("old commits expire") {
    const TimestampMs later(f.clock.wall_ms().value() + 1);
    f.groups->expire("kept", later, [](const Status& expired) { REQUIRE_OK(expired); });
    f.run();
    CHECK(f.committed_in("kept") == "-1 -1");
    CHECK_FALSE(f.groups->has_commits("kept"));
  }
}

TEST_CASE("a commit that becomes unreadable while the broker runs leaves the one before it", "[groups]") {
  GroupsFixture f;
  f.commit_in("g", 1);
  f.commit_in("g", 2, "in the damage");
  f.commit_in("lost", 3, "in the damage");
  REQUIRE(f.damage("in the damage") == 2);
  CHECK(f.committed_in("g") == "1 -1");
  CHECK(f.committed_in("lost") == "-1 -1");
  f.commit_in("lost", 4);
  CHECK(f.committed_in("lost") == "4 -1");
}

TEST_CASE("commits that wait for the replay of the start, or for the topic, keep their order", "[groups]") {
  GroupsFixture f;
  const bool topic_is_there = GENERATE(true, false);
  CAPTURE(topic_is_there);
  if (topic_is_there) CHECK(f.commit(f.of(0)) == Errc::ok);
  f.start();
  int answered = 0;
  for (std::int64_t offset = 1; offset <= 5; ++offset)
    f.groups->commit(f.principal, f.of(offset), [&](const auto& statuses) {
      REQUIRE_OK(statuses);
      REQUIRE_OK((*statuses)[0]);
      ++answered;
    });
  CHECK(answered == 0);
  f.run();
  CHECK(answered == 5);
  CHECK(f.committed() == 5);
}

TEST_CASE("nobody commits for a group whose name is not UTF-8", "[groups]") {
  GroupsFixture f;
  CommitRequest request = f.of(1, true);
  request.group = "caf\xe9";
  CHECK(f.commit(request) == Errc::invalid_group_id);
  CHECK(f.groups->groups()->empty());
  request.group = "caf\xc3\xa9";
  CHECK(f.commit(request) == Errc::ok);
}

// As a broker that took any name has written it, and Kafka's files may hold it.
TEST_CASE("a group whose name on the disk is not UTF-8 is read and removed by what shows it", "[groups]") {
  GroupsFixture f;
  const std::string kept = "caf\xe9", shown = "caf\xef\xbf\xbd";
  CHECK(f.commit(f.of(1)) == Errc::ok);
  OffsetCommitValue value;
  value.offset = Offset(3);
  value.metadata = "not\xff";
  GroupMetadataValue members;
  members.protocol_type = "consumer\xff";
  members.generation = GroupGeneration(1);
  std::vector<InternalRecord> records;
  records.push_back({encode_offset_commit_key({kept, "t", PartitionId(0)}), encode_offset_commit_value(value)});
  records.push_back({encode_group_metadata_key(kept), encode_group_metadata_value(members)});
  f.offsets_topic->append(std::move(records), [](const Result<Offset>& base) { REQUIRE_OK(base); });
  f.run();
  f.start();
  REQUIRE_OK(f.groups->load());
  const auto names = [&] {
    std::vector<std::string> all;
    const auto listed = f.admin->list(f.principal);
    REQUIRE_OK(listed);
    for (const GroupSummary& group : *listed) all.push_back(group.name);
    return all;
  };
  CHECK(names() == std::vector<std::string>{kept, "g"});
  const auto overview = f.admin->overview(f.principal, shown);
  REQUIRE_OK(overview);
  CHECK(overview->group.protocol_type == "consumer\xef\xbf\xbd");
  CHECK(overview->offsets.at(0).value->offset == Offset(3));
  CHECK(overview->offsets.at(0).value->metadata == "not\xef\xbf\xbd");
  CommitRequest request = f.of(kNoOffset.value());
  request.group = shown;
  SECTION("its commits are deleted") {
    CHECK(f.commit(request) == Errc::ok);
    CHECK(f.groups->groups()->count(kept) == 0);
  }
  SECTION("it is removed") {
    std::optional<Status> removed;
    f.admin->remove({f.principal, f.loop}, shown, [&](Status status) { removed = std::move(status); });
    f.run();
    REQUIRE(removed);
    REQUIRE_OK(*removed);
    CHECK(names() == std::vector<std::string>{"g"});
    f.start();
    REQUIRE_OK(f.groups->load());
    CHECK(names() == std::vector<std::string>{"g"});
  }
  SECTION("a group of that very name comes first") {
    request.commits[0].offset = Offset(1);
    CHECK(f.commit(request) == Errc::ok);
    CHECK(names() == std::vector<std::string>{kept, shown, "g"});
    request.commits[0].offset = kNoOffset;
    CHECK(f.commit(request) == Errc::ok);
    CHECK(names() == std::vector<std::string>{kept, "g"});
  }
}

TEST_CASE("a name that no topic can have is refused, and nothing is committed for it", "[groups]") {
  GroupsFixture f;
  const std::string name(40'000, 'x');
  for (const std::int64_t offset : {std::int64_t{0}, kNoOffset.value()})
    CHECK(f.commit({"g", {}, {{name, PartitionId(0), Offset(offset), LeaderEpoch(-1), ""}}, false}) ==
          Errc::invalid_topic_name);
  const auto fetched = f.groups->fetch(f.principal, "g", {{name, PartitionId(0)}, {"t", PartitionId(0)}});
  REQUIRE_OK(fetched);
  CHECK_FALSE(fetched->at(0).value);
  CHECK(f.commit(f.of(2)) == Errc::ok);
  const auto both = f.groups->fetch(f.principal, "g", {{name, PartitionId(0)}, {"t", PartitionId(0)}});
  REQUIRE_OK(both);
  CHECK_FALSE(both->at(0).value);
  REQUIRE(both->at(1).value);
  CHECK(f.forget(name) == Errc::ok);
}

TEST_CASE("a group is listed with members, and with committed offsets alone", "[groups]") {
  GroupsFixture f;
  CHECK(f.commit(f.of(1)) == Errc::ok);
  auto listed = f.admin->list(f.principal);
  REQUIRE_OK(listed);
  REQUIRE(listed->size() == 1);
  CHECK(listed->at(0).state == GroupState::empty);
  f.join();
  listed = f.admin->list(f.principal, {GroupState::stable});
  REQUIRE_OK(listed);
  REQUIRE(listed->size() == 1);
  CHECK(listed->at(0).partitions == 1);
  CHECK(f.admin->list(f.principal, {GroupState::empty})->empty());
}

TEST_CASE("a group is deleted with its commits, unless it has members", "[groups]") {
  GroupsFixture f;
  CHECK(f.remove() == Errc::group_id_not_found);
  CHECK(f.commit(f.of(1)) == Errc::ok);
  CHECK(f.remove() == Errc::ok);
  CHECK(f.committed() == -1);
  const GroupMemberClaim member = f.join();
  CHECK(f.remove() == Errc::non_empty_group);
  REQUIRE_OK(f.coordinator->leave(f.principal, "g", {{member.member_id}}));
  f.run();
  CHECK(f.remove() == Errc::ok);
  CHECK(f.remove() == Errc::group_id_not_found);
  f.start();
  REQUIRE_OK(f.groups->load());
  CHECK(f.admin->list(f.principal)->empty());
}

TEST_CASE("offsets of a topic that members read are not deleted, others are", "[groups]") {
  GroupsFixture f;
  f.create("other");
  CHECK(f.commit({"g", {}, {{"other", PartitionId(0), Offset(0), LeaderEpoch(-1), ""}}, false}) == Errc::ok);
  CHECK(f.commit(f.of(1)) == Errc::ok);
  f.join();
  CHECK(f.forget("t") == Errc::group_subscribed_to_topic);
  CHECK(f.committed() == 1);
  CHECK(f.forget("other") == Errc::ok);
  CHECK_FALSE(f.groups->fetch(f.principal, "g", {{"other", PartitionId(0)}})->at(0).value);
}

TEST_CASE("a group that the broker shares out is kept and shown and removed like any other", "[groups]") {
  GroupsFixture f;
  const auto joined = f.beat(kJoins);
  REQUIRE_OK(joined.status);
  CommitRequest request = f.of(2);
  CHECK(f.commit(request) == Errc::unknown_member_id);
  request.member = {MemberId("m"), {}, GroupGeneration(joined.epoch.value())};
  CHECK(f.commit(request) == Errc::ok);
  request.member.generation = GroupGeneration(joined.epoch.value() + 1);
  CHECK(f.commit(request) == Errc::stale_member_epoch);
  f.start();
  REQUIRE_OK(f.groups->load());
  CHECK(f.committed() == 2);
  const auto shown = f.admin->overview(f.principal, "g");
  REQUIRE_OK(shown);
  CHECK(shown->group.kind == GroupKind::consumer);
  CHECK(shown->group.state == GroupState::stable);
  CHECK(shown->group.epoch == joined.epoch.value());
  REQUIRE(shown->assigned.size() == 1);
  CHECK(shown->assigned[0].at("t").size() == 2);
  CHECK(shown->offsets.size() == 2);
  const auto listed = f.admin->list(f.principal);
  REQUIRE_OK(listed);
  REQUIRE(listed->size() == 1);
  CHECK(listed->front().kind == GroupKind::consumer);
  CHECK(listed->front().partitions == 1);
  CHECK(f.admin->describe(f.principal, "g").code() == Errc::group_id_not_found);
  CHECK(f.forget("t") == Errc::group_subscribed_to_topic);
  CHECK(f.forget("other") == Errc::ok);
  CHECK(f.remove() == Errc::non_empty_group);
  REQUIRE_OK(f.beat(joined.epoch).status);
  REQUIRE_OK(f.beat(kLeaves).status);
  CHECK(f.remove() == Errc::ok);
  CHECK(f.committed() == -1);
  f.start();
  REQUIRE_OK(f.groups->load());
  CHECK(f.admin->list(f.principal)->empty());
}

TEST_CASE("an empty group becomes one of the other protocol and keeps its commits", "[groups]") {
  GroupsFixture f;
  const GroupMemberClaim classic = f.join();
  CHECK(f.beat(kJoins).status.code() == Errc::group_id_not_found);
  CommitRequest request = f.of(3);
  request.member = classic;
  CHECK(f.commit(request) == Errc::ok);
  REQUIRE_OK(f.coordinator->leave(f.principal, "g", {{classic.member_id}}));
  f.run();
  CHECK(f.beat(kJoins).status.code() == Errc::coordinator_not_available);
  REQUIRE_OK(f.beat(kJoins).status);
  CHECK(f.committed() == 3);
  CHECK(f.classic_join() == Errc::inconsistent_group_protocol);
  REQUIRE_OK(f.beat(kLeaves).status);
  f.start();
  REQUIRE_OK(f.groups->load());
  CHECK(f.classic_join() == Errc::coordinator_not_available);
  f.join();
  CHECK(f.committed() == 3);
  CHECK(f.admin->list(f.principal)->front().kind == GroupKind::classic);
  f.start();
  REQUIRE_OK(f.groups->load());
  CHECK(f.beat(kJoins).status.code() == Errc::group_id_not_found);
}

struct ExpiryFixture : GroupsFixture {
  static constexpr std::int64_t kRetentionMs = 3'600'000;
  ExpiryFixture() { expiry.round(); }
  void pass(std::int64_t ms) {
    clock.advance_ms(ms);
    expiry.round();
    run();
  }
  std::vector<std::string> lines;
  GroupExpiry expiry{parts, *groups, *coordinator, *consumers, {kRetentionMs, 60'000}, [this](const std::string& line) {
                       lines.push_back(line);
                     }};
};

TEST_CASE("what a consumer without a group committed expires after the retention", "[groups]") {
  ExpiryFixture f;
  CHECK(f.commit(f.of(1)) == Errc::ok);
  f.pass(ExpiryFixture::kRetentionMs - 1);
  CHECK(f.committed() == 1);
  f.pass(60'001);
  CHECK(f.committed() == -1);
  REQUIRE(f.lines.size() == 1);
  CHECK_THAT(f.lines[0], Catch::Contains("group 'g'"));
}

TEST_CASE("a group expires after its last member has left, however old its commits are", "[groups]") {
  ExpiryFixture f;
  const GroupMemberClaim member = f.join();
  CommitRequest request = f.of(2);
  request.member = member;
  CHECK(f.commit(request) == Errc::ok);
  f.pass(2 * ExpiryFixture::kRetentionMs);
  CHECK(f.committed() == 2);
  REQUIRE_OK(f.coordinator->leave(f.principal, "g", {{member.member_id}}));
  f.run();
  f.pass(ExpiryFixture::kRetentionMs - 1);
  CHECK(f.committed() == 2);
  f.pass(60'001);
  CHECK(f.committed() == -1);
  CHECK(f.admin->describe(f.principal, "g").code() == Errc::group_id_not_found);
  f.start();
  REQUIRE_OK(f.groups->load());
  CHECK(f.admin->list(f.principal)->empty());
}

TEST_CASE("a group that the broker shares out expires when it is empty and its commits are old", "[groups]") {
  ExpiryFixture f;
  const auto joined = f.beat(kJoins);
  CommitRequest request = f.of(2);
  request.member = {MemberId("m"), {}, GroupGeneration(joined.epoch.value())};
  CHECK(f.commit(request) == Errc::ok);
  f.pass(2 * ExpiryFixture::kRetentionMs);
  CHECK(f.committed() == 2);
  REQUIRE_OK(f.beat(kLeaves).status);
  f.pass(60'001);
  CHECK(f.committed() == -1);
  f.pass(60'001);
  CHECK(f.admin->list(f.principal)->empty());
  CHECK(f.admin->describe_consumers(f.principal, "g").code() == Errc::group_id_not_found);
}

TEST_CASE("a wall clock that jumps expires nothing", "[groups]") {
  ExpiryFixture f;
  CHECK(f.commit(f.of(1)) == Errc::ok);
  f.clock.set_wall_off_ms(10 * ExpiryFixture::kRetentionMs);
  f.pass(60'000);
  CHECK(f.committed() == 1);
  CHECK(f.lines.empty());
}

}  // namespace
}  // namespace logcask::testing
