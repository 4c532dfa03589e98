#pragma once
// Consumer groups as KIP-848 has them: the broker shares the partitions out, and a member's heartbeats bring it to its
// share (consumer_group.h).
//
//  - What changes a group is written before anybody hears of it. While a write is under way, what comes for the group
//    waits, and is then taken together. What cannot be written has not been: whoever asked is told to try again
//    (coordinator_not_available).
//  - A member that nothing was heard of for session_timeout_ms is removed; so is one that has not given up what it was
//    told to within its own rebalance timeout.
//  - At the start loaded() brings the groups back; until then everything is refused as coordinator_loading. Members
//  then
//    have a whole session timeout, so a broker that is back in time fences nobody.
//  - A group without members makes way for one of the classic protocol, and the other way round (group_names.h). One
//    with members does not: who speaks the other protocol is refused.
//
// Errors of members: unknown_member_id, fenced_member_epoch, fenced_instance_id: join anew. unreleased_instance_id,
// unsupported_assignor, invalid_regular_expression, group_max_size_reached, group_id_not_found, invalid_group_id,
// invalid_argument. coordinator_loading, coordinator_not_available: try again. permission_denied, shutting_down.
//
// Threads: every call may come from any thread. One mutex guards all groups; nothing under it blocks, and callbacks run
// outside of it. Timers run on one loop of the broker. Destroyed when no loop turns any more and the store will not
// answer.

#include <cstdint>
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "broker/authorizer.h"
#include "broker/metrics.h"
#include "broker/services/consumer_group.h"
#include "broker/services/consumer_group_store.h"
#include "broker/services/group_coordinator.h"
#include "broker/services/group_names.h"

namespace logcask {

// Kafka's names and defaults.
struct ConsumerGroupLimits {
  std::int64_t session_timeout_ms = 45'000;                         // group.consumer.session.timeout.ms
  std::int64_t heartbeat_interval_ms = 5'000;                       // group.consumer.heartbeat.interval.ms
  std::size_t max_size = std::numeric_limits<std::int32_t>::max();  // group.consumer.max.size
  std::size_t members_max_bytes = 64u << 20;                        // group.members.max.bytes
};

class ConsumerGroupCoordinator {
 public:
  struct Parts {
    const Authorizer& authorizer;
    const Clock& clock;
    EventLoop& timers;
    ConsumerGroupStore& store;
    GroupNames& names;
    // What there is to subscribe to; it is asked for again when the number has changed.
    std::function<std::uint64_t()> topics_generation;
    std::function<KnownTopics()> topics;
    std::function<std::string()> unique_text;  // a member id, for whoever brings none
  };
  ConsumerGroupCoordinator(Parts parts, const ConsumerGroupLimits& limits);
  ~ConsumerGroupCoordinator();

  // What the store held, by name. Once; ends coordinator_loading.
  void loaded(std::map<std::string, ConsumerGroup::Stored> groups);
  // It cannot be read just now: from now on who is refused for that hears why.
  void load_failed(const Error& why);
  // Answers everybody who waits with shutting_down and refuses what comes later.
  void stop();

  // ---- members. Need the right to read the group, and to describe the topics they name.
  // `done` must be able to run after the caller's connection has ended.
  void heartbeat(const GroupCaller& caller, ConsumerHeartbeat heartbeat, ConsumerHeartbeatDone done);
  // May a member of that id commit offsets of these partitions, by the names of their topics, at that epoch now?
  // Nobody, at an epoch below 0: a consumer that is in no group, which may while the group has no members.
  // unknown_member_id, stale_member_epoch. Whoever commits asks the authorizer. Of a group that is not ours there is
  // nothing to say.
  using NamedPartitions = std::vector<std::pair<std::string, PartitionId>>;
  Status check_commit(const std::string& group, const MemberId& id, GroupEpoch epoch,
                      const NamedPartitions& partitions);
  // The same of one that asks what is committed, whom nobody stops when it names no member.
  Status check_fetch(const std::string& group, const MemberId& id, GroupEpoch epoch);

  // ---- administration
  // group_id_not_found; needs the right to describe the group.
  Result<ConsumerGroupDescription> describe(const Principal& principal, const std::string& group);
  // Those the caller may describe.
  Result<std::vector<GroupListing>> list(const Principal& principal);
  // group_id_not_found; non_empty_group while it has members. Needs the right to remove the group. Answers once that is
  // on disk.
  void delete_group(const GroupCaller& caller, const std::string& group, std::function<void(Status)> done);

  // ---- questions of the broker itself
  bool knows(const std::string& group);
  bool has_members(const std::string& group);
  bool subscribes_to(const std::string& group, const std::string& topic);
  std::vector<std::string> empty_groups();
  // Deletes it when it has no members. `done` runs once, on any thread, possibly before this returns.
  void expire_group(const std::string& group, std::function<void(Status)> done);
  // "groups.consumer" and "groups.consumer_members".
  void add_numbers(Metrics::Numbers& numbers);

 private:
  struct Entry;
  class Turn;
  friend class Turn;
  // What somebody wants of a group: done to it, and settled when that is on disk, or refused.
  struct Work {
    std::function<void(Entry&, std::int64_t now_ms)> apply;
    std::function<void(const Status&)> settle;
  };

  Status check_open() const;
  Status check_call(const Principal& principal, Operation operation, const std::string& group) const;
  Status check_heartbeat(const Principal& principal, const ConsumerHeartbeat& heartbeat) const;
  Entry* find(const std::string& group);
  Result<Entry*> entry_for(const ConsumerHeartbeat& heartbeat);
  Status apply(Entry& entry, const ConsumerHeartbeat& heartbeat, std::int64_t now_ms, ConsumerHeartbeatAnswer& answer);
  Status check_memory(const ConsumerHeartbeat& heartbeat) const;
  void remove_empty(Turn& turn, Entry& entry, std::function<void(const Status&)> done);
  const KnownTopics& topics();
  // Takes what waits, when nothing is being written.
  void advance(Turn& turn, Entry& entry);
  void saved(const std::string& group, const ConsumerGroup& before, const std::vector<Work>& works,
             const Status& status);
  void heard_of(Entry& entry, const MemberId& id, std::int64_t now_ms);
  void visited(Entry& entry);
  void forget(Entry& entry);
  void sweep();
  void sweep_group(Turn& turn, Entry& entry);

  Parts parts_;
  const ConsumerGroupLimits limits_;
  std::mutex mutex_;
  // All below is guarded by it.
  std::optional<Error> loading_ =
      Error{Errc::coordinator_loading, "the groups are still being read from the disk; try again"};
  bool stopped_ = false;
  bool sweeping_ = false;  // a sweep is to come
  std::map<std::string, std::unique_ptr<Entry>> groups_;
  std::size_t kept_bytes_ = 0;
  std::uint64_t topics_generation_ = 0;  // of topics_
  KnownTopics topics_;
};

}  // namespace logcask
