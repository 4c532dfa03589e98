#pragma once
// A group coordinator whose clock, timers and disk the test moves.

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "broker/services/group_coordinator.h"
#include "broker/services/group_metadata_codec.h"
#include "tests/support/catch.h"
#include "tests/support/manual_clock.h"
#include "tests/support/manual_loop.h"

namespace logcask::testing {

// A log of group records. What is saved while `held` is set is on its way until finish() says how it went.
class MemoryGroupStore final : public GroupStore {
 public:
  void save(std::string key, std::optional<std::string> value, std::function<void(Status)> done) override {
    const auto group = decode_group_metadata_key(key);
    REQUIRE_OK(group);
    REQUIRE(group->has_value());
    ++saves;
    underway.push_back({**group, std::move(value), std::move(done)});
    if (!held) finish();
  }
  // Of all that are under way, the last one first when the disk feels like it.
  void finish(const Status& status = {}, bool last_first = false) {
    std::deque<Save> now = std::exchange(underway, {});
    while (!now.empty()) {
      Save save = std::move(last_first ? now.back() : now.front());
      if (last_first)
        now.pop_back();
      else
        now.pop_front();
      if (status.ok()) records[save.group] = save.value;
      save.done(status);
    }
  }
  // What a restart reads.
  std::map<std::string, GroupMetadataValue> read() const {
    std::map<std::string, GroupMetadataValue> groups;
    for (const auto& [name, bytes] : records) {
      if (!bytes) continue;
      auto value = decode_group_metadata_value(*bytes);
      REQUIRE_OK(value);
      groups[name] = std::move(value).value();
    }
    return groups;
  }

  struct Save {
    std::string group;
    std::optional<std::string> value;
    std::function<void(Status)> done;
  };
  bool held = false;
  int saves = 0;
  std::deque<Save> underway;
  std::map<std::string, std::optional<std::string>> records;
};

struct GroupAuthorizer final : Authorizer {
  Status authorize(const Principal&, Operation operation, const Resource& resource) const override {
    if (resource.kind == ResourceKind::group && denied == operation && resource.name == group)
      return Error{Errc::permission_denied, "no"};
    return {};
  }
  std::optional<Operation> denied;
  std::string group = "g";
};

class GroupFixture {
 public:
  using Join = std::shared_ptr<std::optional<JoinAnswer>>;
  using Sync = std::shared_ptr<std::optional<SyncAnswer>>;

  explicit GroupFixture(const GroupLimits& of = GroupLimits()) : limits(of) {
    restart();
    CHECK(groups->heartbeat(principal, "g", {}).code() == Errc::coordinator_loading);
    groups->loaded({});
  }

  // A new coordinator, which has read nothing yet.
  void restart() {
    groups.reset();
    loop = std::make_unique<ManualLoop>();
    groups = std::make_unique<GroupCoordinator>(
        GroupCoordinator::Parts{authorizer, clock, *loop, store, [this] { return std::to_string(++ids); }}, limits);
  }
  void restart_and_load() {
    restart();
    groups->loaded(store.read());
  }

  GroupCaller caller() { return {principal, *loop}; }

  static JoinRequest request(const std::string& client, const MemberId& id = MemberId()) {
    JoinRequest request;
    request.group = "g";
    request.member_id = id;
    request.client_id = client;
    request.client_host = "/10.0.0.1";
    request.session_timeout_ms = 10'000;
    request.rebalance_timeout_ms = 30'000;
    request.protocol_type = "consumer";
    request.protocols = {{"range", client + " wants t"}};
    return request;
  }
  static JoinRequest static_request(const std::string& client, const std::string& instance,
                                    const MemberId& id = MemberId()) {
    JoinRequest made = request(client, id);
    made.instance_id = GroupInstanceId(instance);
    return made;
  }

  Join join(JoinRequest request) {
    const auto answer = std::make_shared<std::optional<JoinAnswer>>();
    groups->join(caller(), std::move(request), [answer](JoinAnswer given) {
      CHECK_FALSE(answer->has_value());
      *answer = std::move(given);
    });
    return answer;
  }
  Sync sync(SyncRequest request) {
    const auto answer = std::make_shared<std::optional<SyncAnswer>>();
    groups->sync(caller(), std::move(request), [answer](SyncAnswer given) {
      CHECK_FALSE(answer->has_value());
      *answer = std::move(given);
    });
    return answer;
  }
  Sync sync(const JoinAnswer& joined, std::map<MemberId, std::string> assignments = {}) {
    return sync(SyncRequest{"g", claim(joined), {}, {}, std::move(assignments)});
  }
  Errc heartbeat(const JoinAnswer& joined) { return groups->heartbeat(principal, "g", claim(joined)).code(); }
  static GroupMemberClaim claim(const JoinAnswer& joined) { return {joined.member_id, {}, joined.generation}; }
  Errc leave(const MemberId& id) {
    const auto left = groups->leave(principal, "g", {{id}});
    REQUIRE_OK(left);
    REQUIRE(left->size() == 1);
    return left->front().code();
  }
  Errc delete_group() {
    Errc code = Errc::internal;
    groups->delete_group(caller(), "g", [&](const Status& status) { code = status.code(); });
    return code;
  }

  void advance_ms(std::int64_t ms) {
    constexpr std::int64_t kStepMs = 10;
    for (std::int64_t passed = 0; passed < ms; passed += kStepMs) {
      clock.advance_ms(kStepMs);
      loop->advance_ms(kStepMs);
      while (loop->turn()) {
      }
    }
  }

  // Members of a stable group "g", the leader first; member i's assignment is "share of <its client>".
  std::vector<JoinAnswer> form(const std::vector<JoinRequest>& requests) {
    std::vector<Join> joins;
    for (const JoinRequest& one : requests) joins.push_back(join(one));
    advance_ms(2 * limits.initial_rebalance_delay_ms + 50);
    return share_out(joins);
  }
  std::vector<JoinAnswer> form(int count) {
    std::vector<JoinRequest> requests;
    for (int i = 0; i < count; ++i) requests.push_back(request("c" + std::to_string(i)));
    return form(requests);
  }
  // The leader shares out and all sync.
  std::vector<JoinAnswer> share_out(const std::vector<Join>& joins) {
    std::vector<JoinAnswer> members;
    std::map<MemberId, std::string> shares;
    for (const Join& one : joins) {
      REQUIRE(one->has_value());
      REQUIRE_OK((*one)->status);
      const JoinAnswer& answer = **one;
      shares[answer.member_id] = "share of " + answer.member_id.text();
      members.insert(answer.member_id == answer.leader ? members.begin() : members.end(), answer);
    }
    std::vector<Sync> syncs;
    for (auto member = members.rbegin(); member != members.rend(); ++member)
      syncs.push_back(sync(*member, member->member_id == member->leader ? shares : std::map<MemberId, std::string>()));
    for (std::size_t i = 0; i < syncs.size(); ++i) {
      REQUIRE(syncs[i]->has_value());
      REQUIRE_OK((*syncs[i])->status);
      CHECK((*syncs[i])->assignment == shares[members[members.size() - 1 - i].member_id]);
    }
    return members;
  }
  GroupState state() {
    const auto described = groups->describe(principal, "g");
    return described.ok() ? described->state : GroupState::dead;
  }

  const GroupLimits limits;
  Principal principal;
  GroupAuthorizer authorizer;
  ManualClock clock;
  MemoryGroupStore store;
  int ids = 0;
  std::unique_ptr<ManualLoop> loop;
  std::unique_ptr<GroupCoordinator> groups;
};

}  // namespace logcask::testing
