// Many members that come, go, die, dawdle within their time and come back, over a disk that is slow and now and then
// refuses, and a broker that restarts: what must hold whatever happens.
#include <algorithm>
#include <map>
#include <set>

#include "base/random.h"
#include "tests/broker/services/group_fixture.h"
#include "tests/support/catch.h"
#include "tests/support/seed.h"

namespace logcask {
namespace {

using testing::GroupFixture;

constexpr std::int64_t kStepMs = 100;
constexpr std::int64_t kHeartbeatMs = 3'000;
// A member that acts so late, after it has learnt that it should, is still in time: session 10 s, rebalance 30 s.
constexpr std::int64_t kLatestJoinMs = 25'000, kLatestFirstJoinMs = 5'000;

// What each generation is, as its join answers say; a restart may count one number again.
struct Generations {
  int broker_runs = 0;
  GroupGeneration newest{0};
  std::map<std::pair<int, GroupGeneration>, MemberId> leaders;
};

class Client {
 public:
  Client(int number, GroupFixture& fixture, Random& random, Generations& generations)
      : name_("c" + std::to_string(number)),
        is_static_(number % 3 == 0),
        fixture_(fixture),
        random_(random),
        generations_(generations) {}

  void step(std::int64_t now_ms, bool calm) {
    now_ms_ = now_ms;
    calm_ = calm;
    take_answers();
    if (!calm && state_ != State::away && random_.one_in(900)) return vanish(random_.one_in(2));
    if (state_ == State::away && now_ms >= act_ms_ && (calm || random_.one_in(100))) start_join(MemberId());
    if (state_ == State::must_join && now_ms >= act_ms_) return start_join(id_);
    if (state_ == State::must_sync && now_ms >= act_ms_) return start_sync();
    if (state_ != State::away && !id_.empty() && generation_ > GroupGeneration(0) && !join_ && now_ms >= beat_ms_)
      beat();
  }
  // Calls that waited are gone; who is not in what was written has to come anew.
  void broker_restarted() {
    excused_ = true;
    if (join_ || sync_) {
      join_ = nullptr;
      sync_ = nullptr;
      act(State::must_join, 0);
    }
  }
  bool active() const { return state_ == State::active; }
  const MemberId& id() const { return id_; }

 private:
  enum class State { away, joining, must_join, must_sync, syncing, active };

  void act(State state, std::int64_t latest_ms) {
    state_ = state;
    const std::int64_t within = calm_ ? std::min<std::int64_t>(latest_ms, 1'000) : latest_ms;
    act_ms_ = now_ms_ + (within > 0 && !random_.one_in(3)
                             ? static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(within)))
                             : 0);
  }

  // It leaves, or dies and says nothing.
  void vanish(bool dies) {
    if (!dies && !id_.empty() && !is_static_) (void)fixture_.groups->leave(fixture_.principal, "g", {{id_}});
    join_ = nullptr;
    sync_ = nullptr;
    id_ = MemberId();
    generation_ = GroupGeneration(0);
    state_ = State::away;
    act_ms_ = now_ms_ + static_cast<std::int64_t>(random_.below(20'000));
  }

  void start_join(const MemberId& id) {
    JoinRequest request = GroupFixture::request(name_, id);
    if (is_static_) request.instance_id = GroupInstanceId(name_);
    request.require_known_member_id = true;
    request.supports_skipping_assignment = true;
    if (random_.one_in(20)) request.protocols[0].metadata += " and others";
    state_ = State::joining;
    join_ = fixture_.join(request);
  }

  std::string share_of(const MemberId& member, const std::optional<GroupInstanceId>& instance,
                       GroupGeneration generation) const {
    return std::to_string(generation.value()) + ":" + (instance ? instance->text() : member.text());
  }

  void start_sync() {
    SyncRequest request{"g", {id_, instance(), generation_}, {}, {}, {}};
    for (const JoinedMember& member : led_) {
      if (skips_) break;
      request.assignments[member.member_id] = share_of(member.member_id, member.instance_id, generation_);
    }
    state_ = State::syncing;
    sync_ = fixture_.sync(request);
  }

  std::optional<GroupInstanceId> instance() const {
    return is_static_ ? std::optional(GroupInstanceId(name_)) : std::nullopt;
  }

  void beat() {
    beat_ms_ = now_ms_ + kHeartbeatMs;
    const GroupMemberClaim claim{id_, instance(), generation_};
    if (state_ == State::active && random_.one_in(4)) {
      // A commit of this generation is taken while members are asked to join the next one.
      const Status committed = fixture_.groups->validate_commit("g", claim);
      if (!committed.ok()) return lost(committed.error());
    }
    const Status answer = fixture_.groups->heartbeat(fixture_.principal, "g", claim);
    if (answer.code() == Errc::rebalance_in_progress) {
      if (state_ == State::active || state_ == State::must_sync) act(State::must_join, kLatestJoinMs);
      return;
    }
    if (!answer.ok()) lost(answer.error());
  }

  // Only a restart may take the place of a member that did everything in time.
  void lost(const Error& error) {
    const Errc code = error.code;
    INFO("at " << now_ms_ << ", " << name_ << " in state " << static_cast<int>(state_) << ", generation "
               << generation_.value() << ": " << error.to_string());
    if (code == Errc::coordinator_not_available || code == Errc::rebalance_in_progress)
      return act(State::must_join, kLatestJoinMs);
    CHECK(excused_);
    CHECK((code == Errc::unknown_member_id || code == Errc::illegal_generation || code == Errc::fenced_instance_id));
    generation_ = GroupGeneration(0);
    if (code != Errc::illegal_generation) id_ = MemberId();
    act(State::must_join, 0);
  }

  void take_answers() {
    if (join_ && join_->has_value()) {
      const JoinAnswer answer = **join_;
      join_ = nullptr;
      joined(answer);
    }
    if (sync_ && sync_->has_value()) {
      const SyncAnswer answer = **sync_;
      sync_ = nullptr;
      synced(answer);
    }
  }

  void joined(const JoinAnswer& answer) {
    if (answer.status.code() == Errc::member_id_required) {
      id_ = answer.member_id;
      return act(State::must_join, kLatestFirstJoinMs);
    }
    if (!answer.status.ok()) return lost(answer.status.error());
    id_ = answer.member_id;
    generation_ = answer.generation;
    led_ = answer.members;
    skips_ = answer.skip_assignment;
    beat_ms_ = now_ms_ + kHeartbeatMs;
    CHECK(answer.generation >= generations_.newest);
    generations_.newest = answer.generation;
    if (!is_static_ || !answer.skip_assignment) note_leader(answer);
    act(State::must_sync, kLatestJoinMs);
  }

  // One leader a generation; a static one may have come back under another id, and is told so.
  void note_leader(const JoinAnswer& answer) {
    const std::string who = answer.leader.text().substr(0, answer.leader.text().find('-'));
    const auto [place, first] =
        generations_.leaders.emplace(std::pair(generations_.broker_runs, answer.generation), MemberId(who));
    if (!first) CHECK(place->second == MemberId(who));
    CHECK(answer.members.empty() == (answer.leader != answer.member_id));
  }

  void synced(const SyncAnswer& answer) {
    if (!answer.status.ok()) return lost(answer.status.error());
    CHECK(generation_ == generations_.newest);  // no other one is stable
    CHECK(answer.assignment == share_of(id_, instance(), generation_));
    excused_ = false;
    state_ = State::active;
  }

  const std::string name_;
  const bool is_static_;
  GroupFixture& fixture_;
  Random& random_;
  Generations& generations_;
  State state_ = State::away;
  std::int64_t now_ms_ = 0, act_ms_ = 0, beat_ms_ = 0;
  bool calm_ = false, excused_ = false, skips_ = false;
  MemberId id_;
  GroupGeneration generation_{0};
  std::vector<JoinedMember> led_;
  GroupFixture::Join join_;
  GroupFixture::Sync sync_;
};

void run_group(std::uint64_t seed, bool restarts) {
  INFO("LOGCASK_TEST_SEED=" << seed << (restarts ? ", with restarts" : ""));
  Random random(seed);
  GroupFixture fixture;
  Generations generations;
  std::vector<Client> clients;
  const int count = 2 + static_cast<int>(random.below(7));
  for (int i = 0; i < count; ++i) clients.emplace_back(i, fixture, random, generations);
  std::int64_t now_ms = 0;
  const auto run_for = [&](std::int64_t ms, bool calm) {
    for (const std::int64_t end_ms = now_ms + ms; now_ms < end_ms; now_ms += kStepMs) {
      if (!calm && random.one_in(40)) fixture.store.held = !fixture.store.held;
      if (calm) fixture.store.held = false;
      if (calm || random.one_in(10))
        fixture.store.finish(!calm && random.one_in(8) ? Status(Error{Errc::storage_full, "no room"}) : Status(),
                             random.one_in(2));
      if (restarts && !calm && random.one_in(600)) {
        fixture.store.underway.clear();
        fixture.restart_and_load();
        ++generations.broker_runs;
        const auto written = fixture.store.read();
        const auto found = written.find("g");
        generations.newest = found == written.end() ? GroupGeneration(0) : found->second.generation;
        for (Client& one : clients) one.broker_restarted();
      }
      for (Client& one : clients) one.step(now_ms, calm);
      fixture.advance_ms(kStepMs);
    }
  };
  run_for(400'000, false);
  run_for(120'000, true);
  const auto described = fixture.groups->describe(fixture.principal, "g");
  REQUIRE_OK(described);
  CHECK(described->state == GroupState::stable);
  std::set<MemberId> in_group, alive;
  for (const GroupMemberDescription& one : described->members) in_group.insert(one.member_id);
  for (const Client& one : clients) {
    CHECK(one.active());
    alive.insert(one.id());
  }
  CHECK(in_group == alive);
  // What a restart would read is what is.
  const GroupMetadataValue written = fixture.store.read().at("g");
  CHECK(written.members.size() == alive.size());
  for (const StoredGroupMember& one : written.members) CHECK(alive.count(one.member_id) == 1);
}

TEST_CASE("a member that is in time is never dropped, and gets what its generation's leader gave it") {
  const std::uint64_t seed = testing::test_seed();
  for (std::uint64_t i = 0; i < 20; ++i) run_group(seed + i, false);
}

TEST_CASE("groups that live through restarts of the broker come to one generation again") {
  const std::uint64_t seed = testing::test_seed();
  for (std::uint64_t i = 0; i < 20; ++i) run_group(seed + i, true);
}

}  // namespace
}  // namespace logcask
