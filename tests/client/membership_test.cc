#include "client/membership.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "proto/kafka/consumer_protocol.h"
#include "tests/client/memory_broker.h"
#include "tests/support/catch.h"

namespace logcask::client {
namespace {

using Names = std::vector<std::string>;

// What the leader has asked for.
struct Asked {
  int joins = 0, heartbeats = 0;
  int others = 0;            // requests that mean nothing
  int assignments = 0;       // that its syncs brought
  std::vector<Names> looks;  // the topics of each metadata request
};

// A stable group, to which its leader comes back under its instance id: it reads "t", another member reads "u", and the
// broker has a topic more.
class StableGroup {
 public:
  StableGroup()
      : broker_([this](const FakeBroker::PeerPtr& peer, const v1::RequestHeader& request, const std::string&) {
          answer(*peer, request);
        }) {}

  std::string address() const { return broker_.address(); }
  // Joins are refused for a reason that may pass.
  void keep_out(bool out) {
    const std::lock_guard lock(mutex_);
    keeps_out_ = out;
  }
  // What until() waits for may have changed.
  void news() {
    const std::lock_guard lock(mutex_);
    changed_.notify_all();
  }
  template <class Happened>
  bool until(Happened happened) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30), [&] { return happened(asked_); });
  }
  Asked asked() {
    const std::lock_guard lock(mutex_);
    return asked_;
  }

 private:
  void answer(FakeBroker::Peer& peer, const v1::RequestHeader& request) {
    v1::ResponseHeader header;
    bool refused = false;
    {
      const std::lock_guard lock(mutex_);
      refused = request.has_join_group() && keeps_out_;
      if (refused)
        ++asked_.joins;
      else if (request.has_join_group())
        join(request.join_group(), *header.mutable_join_group());
      else if (request.has_sync_group())
        sync(request.sync_group(), *header.mutable_sync_group());
      else if (request.has_metadata())
        look(request.metadata(), *header.mutable_metadata());
      else if (request.has_heartbeat())
        beat(*header.mutable_heartbeat());
      else
        ++asked_.others;
    }
    if (refused)
      peer.refuse(request.correlation_id(), Errc::coordinator_loading);
    else
      peer.reply(request.correlation_id(), std::move(header));
    news();
  }

  void beat(v1::HeartbeatResponse&) { ++asked_.heartbeats; }

  void join(const v1::JoinGroupRequest& request, v1::JoinGroupResponse& joined) {
    ++asked_.joins;
    joined.set_member_id("seat-2");
    joined.set_leader("seat-2");
    joined.set_generation(7);
    joined.set_protocol("range");
    joined.set_skip_assignment(true);
    auto& itself = *joined.add_members();
    itself.set_member_id("seat-2");
    itself.set_metadata(request.protocols(0).metadata());
    kafka::ConsumerSubscription subscription;
    subscription.topics = {"u"};
    auto& other = *joined.add_members();
    other.set_member_id("other");
    other.set_metadata(kafka::encode_subscription(subscription).value());
  }

  void sync(const v1::SyncGroupRequest& request, v1::SyncGroupResponse& synced) {
    asked_.assignments += request.assignments_size();
    kafka::ConsumerAssignment assignment;
    assignment.assigned_partitions = {{"t", {0}}};
    synced.set_assignment(kafka::encode_assignment(assignment).value());
  }

  // Asked about none, it tells of all.
  void look(const v1::MetadataRequest& request, v1::MetadataResponse& metadata) {
    const Names names(request.topics().begin(), request.topics().end());
    asked_.looks.push_back(names);
    for (const std::string& name : names.empty() ? Names{"t", "u", "v"} : names) {
      auto& topic = *metadata.add_topics();
      topic.set_name(name);
      topic.set_partitions(1);
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  Asked asked_;
  bool keeps_out_ = false;
  FakeBroker broker_;
};

TEST_CASE("A leader that comes back to shares that stand looks at its group's topics and disturbs nobody") {
  StableGroup group;
  const Client client = connect(group.address());
  ConsumerOptions options;
  options.group = "g";
  options.group_instance_id = "seat";
  options.heartbeat_interval_ms = 5;
  const auto member = std::make_shared<Membership>(client.core(), "t", options, [&] { group.news(); });
  member->join();
  REQUIRE(group.until([&](const Asked&) { return member->news().kind == Membership::News::Kind::assigned; }));
  CHECK(member->news().partitions == std::vector{PartitionId(0)});
  member->taken();
  // The second of three is sent when the share has been taken, and what it looks at answered before the third is.
  const int before = group.asked().heartbeats;
  REQUIRE(group.until([&](const Asked& asked) { return asked.heartbeats >= before + 3; }));
  CHECK(member->news().kind == Membership::News::Kind::none);
  const Asked asked = group.asked();
  CHECK(asked.joins == 1);
  CHECK(asked.others == 0);
  CHECK(asked.assignments == 0);
  CHECK(asked.looks == std::vector<Names>{Names{"t", "u"}});
  std::atomic<bool> left = false;
  member->leave({}, [&](const Status&) {
    left = true;
    group.news();
  });
  REQUIRE(group.until([&](const Asked&) { return left.load(); }));
}

// A group whose members get ids at once, and then wait.
class WaitingGroup {
 public:
  explicit WaitingGroup(bool refuses_once)
      : refuse_(refuses_once),
        broker_([this](const FakeBroker::PeerPtr& peer, const v1::RequestHeader& request, const std::string&) {
          answer(*peer, request);
        }) {}
  std::string address() const { return broker_.address(); }
  template <class Happened>
  bool until(Happened happened) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30), happened);
  }
  std::uint64_t waiting_join = 0, cancelled = 0;  // correlation ids
  bool left = false;

 private:
  void answer(FakeBroker::Peer& peer, const v1::RequestHeader& request) {
    const std::lock_guard lock(mutex_);
    v1::ResponseHeader header;
    if (request.has_join_group() && request.join_group().member().member_id().empty()) {
      header.mutable_join_group()->set_member_id("m");
      header.mutable_join_group()->set_join_again(true);
      peer.reply(request.correlation_id(), std::move(header));
    } else if (request.has_join_group() && std::exchange(refuse_, false)) {
      peer.refuse(request.correlation_id(), Errc::coordinator_loading);
    } else if (request.has_join_group()) {
      waiting_join = request.correlation_id();
    } else if (request.has_cancel()) {
      cancelled = request.cancel().target_correlation_id();
    } else if (request.has_leave_group()) {
      left = true;
      header.mutable_leave_group()->add_errors();
      peer.reply(request.correlation_id(), std::move(header));
    }
    changed_.notify_all();
  }

  bool refuse_;
  std::mutex mutex_;
  std::condition_variable changed_;
  FakeBroker broker_;
};

TEST_CASE("A member that is kept out of its group says why until it is in") {
  StableGroup group;
  group.keep_out(true);
  const Client client = connect(group.address());
  ConsumerOptions options;
  options.group = "g";
  const auto member = std::make_shared<Membership>(client.core(), "t", options, [&] { group.news(); });
  CHECK(member->trouble().code == Errc::ok);
  member->join();
  // The second is sent when the answer to the first has been heard.
  REQUIRE(group.until([&](const Asked& asked) { return asked.joins >= 2; }));
  CHECK(member->trouble().code == Errc::coordinator_loading);
  CHECK_THAT(member->trouble().message, Catch::Contains("group 'g'"));
  group.keep_out(false);
  REQUIRE(group.until([&](const Asked&) { return member->news().kind == Membership::News::Kind::assigned; }));
  CHECK(member->trouble().code == Errc::ok);
  std::atomic<bool> left = false;
  member->leave({}, [&](const Status&) {
    left = true;
    group.news();
  });
  REQUIRE(group.until([&](const Asked&) { return left.load(); }));
}

TEST_CASE("A member that leaves while its join waits ends that very call") {
  for (int round = 0; round < 20; ++round) {
    WaitingGroup group(round % 2 == 1);
    const Client client = connect(group.address());
    ConsumerOptions options;
    options.group = "g";
    const auto member = std::make_shared<Membership>(client.core(), "t", options, [] {});
    member->join();
    REQUIRE(group.until([&] { return group.waiting_join != 0; }));
    member->leave({}, [](const Status&) {});
    REQUIRE(group.until([&] { return group.cancelled != 0 && group.left; }));
    CHECK(group.until([&] { return group.cancelled == group.waiting_join; }));
  }
}

}  // namespace
}  // namespace logcask::client
