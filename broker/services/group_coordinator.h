#pragma once
// Consumer groups as Kafka's classic protocol has them: who is in a group, who shares the work out, who has which
// share.
//
// What a group does, in the words of GroupState: a first join takes an empty group to preparing_rebalance. When all
// members have joined, or the longest of their rebalance timeouts is over, whoever has not come is dropped (static
// members stay until their session ends), the generation counts up, every join is answered, and the group is
// completing_rebalance. The leader's sync brings the assignments; once they are on disk every sync is answered and the
// group is stable. A member that joins, leaves or dies begins the next rebalance; the others learn of it by
// rebalance_in_progress, from their next heartbeat, sync or commit.
//
//  - A new group waits initial_rebalance_delay_ms for further members, and longer while new ones come.
//  - A member that nothing was heard of for its session timeout is dropped. Heartbeats and commits count; whoever waits
//    for an answer is alive, but a member that waits for the answer to its first join is dropped after five minutes.
//  - An id that was handed out (member_id_required) is kept for the session timeout, and a rebalance waits for it.
//  - Members that have not synced within the rebalance timeout are dropped, and a new rebalance begins.
//  - A static member (instance id) that joins without an id takes its old place over; the old one is fenced. In a
//  stable
//    group nobody else notices, unless the protocol changes by it.
//
// A group without members makes way for one of the consumer protocol, whose partitions the broker shares out, and takes
// its place (group_names.h); where that has members, who joins is refused (inconsistent_group_protocol).
//
// Groups are written to the GroupStore when the leader has synced, when a static member has come back and when the last
// member has gone. At the start loaded() brings them back; until then everything is refused as coordinator_loading.
// Members then have a whole session timeout, so a broker that is back in time causes no rebalance.
//
// Errors: unknown_member_id, illegal_generation, rebalance_in_progress, fenced_instance_id: join again. Also
// member_id_required, inconsistent_group_protocol, invalid_session_timeout, group_max_size_reached, invalid_group_id,
// invalid_argument, coordinator_loading, coordinator_not_available (what the disk refused; try again),
// permission_denied, shutting_down.
//
// Threads: every call may come from any thread; answers that wait are delivered on the caller's loop, possibly before
// the call returns. One mutex guards all groups; nothing under it blocks, and callbacks run outside of it. Timers run
// on one loop of the broker. Destroyed when no loop turns any more and the store will not answer.

#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "broker/authorizer.h"
#include "broker/metrics.h"
#include "broker/services/group_store.h"
#include "broker/services/group_types.h"
#include "broker/threads/event_loop.h"

namespace logcask {

class Group;
class GroupNames;
struct GroupMember;
struct GroupMetadataValue;

// Kafka's names and defaults.
struct GroupLimits {
  std::int64_t min_session_timeout_ms = 6'000;                      // group.min.session.timeout.ms
  std::int64_t max_session_timeout_ms = 1'800'000;                  // group.max.session.timeout.ms
  std::int64_t initial_rebalance_delay_ms = 3'000;                  // group.initial.rebalance.delay.ms
  std::size_t max_size = std::numeric_limits<std::int32_t>::max();  // group.max.size
  std::size_t members_max_bytes = 64u << 20;                        // group.members.max.bytes: of all groups
};

// Who calls, and the thread it wants its answer on.
struct GroupCaller {
  const Principal& principal;
  EventLoop& loop;
};

class GroupCoordinator {
 public:
  struct Parts {
    const Authorizer& authorizer;
    const Clock& clock;
    EventLoop& timers;
    GroupStore& store;
    std::function<std::string()> unique_text;  // the part of a member id that makes it unique; nothing: 128 random bits
    GroupNames* names = nullptr;               // null: there are no groups of the other kind
  };
  GroupCoordinator(Parts parts, const GroupLimits& limits);
  ~GroupCoordinator();

  // What the store held, by name. Once; ends coordinator_loading.
  void loaded(std::map<std::string, GroupMetadataValue> groups);
  // It cannot be read just now: from now on who is refused for that hears why.
  void load_failed(const Error& why);
  // Answers everybody who waits with shutting_down and refuses what comes later. The groups stay as they were written.
  void stop();

  // ---- members. Need the right to read the group.
  // `done` must be able to run after the caller's connection has ended.
  void join(const GroupCaller& caller, JoinRequest request, JoinDone done);
  void sync(const GroupCaller& caller, SyncRequest request, SyncDone done);
  Status heartbeat(const Principal& principal, const std::string& group, const GroupMemberClaim& member);
  // One status per member; the error of the whole when the group may not be asked.
  Result<std::vector<Status>> leave(const Principal& principal, const std::string& group,
                                    const std::vector<LeavingMember>& members);
  // May `member` commit offsets now? A claim without id and generation is that of a simple consumer, which may while
  // the group has no members, be there such a group or not. Counts as a heartbeat. `transactional`: within a
  // transaction, where one may commit during a rebalance, and without a claim at any time. Whoever commits asks the
  // authorizer.
  Status validate_commit(const std::string& group, const GroupMemberClaim& member, bool transactional = false);

  // ---- administration
  // group_id_not_found; needs the right to describe the group.
  Result<GroupDescription> describe(const Principal& principal, const std::string& group);
  // Those the caller may describe, in any of `states`; all when it is empty.
  Result<std::vector<GroupListing>> list(const Principal& principal, const std::set<GroupState>& states = {});
  // group_id_not_found; non_empty_group while it has members. Its committed offsets are not ours to delete. Needs the
  // right to remove the group. Answers once that is on disk.
  void delete_group(const GroupCaller& caller, const std::string& group, std::function<void(Status)> done);

  // How many groups are in each state, and how many members there are, for the metrics: "groups.stable", ...,
  // "groups.members"; and "groups.rebalances", generations since the start.
  void add_numbers(Metrics::Numbers& numbers);

  // ---- expiry, and other questions of the broker itself
  bool knows(const std::string& group);
  // The first one whose name is `wanted`, which is asked under the mutex.
  std::optional<std::string> find_name(const std::function<bool(const std::string&)>& wanted);
  // Groups whose last member has gone before `time`.
  std::vector<std::string> empty_since_before(TimestampMs time);
  // Deletes such a group. `done` runs once, on any thread, possibly before this returns; non_empty_group when somebody
  // has joined meanwhile.
  void expire_group(const std::string& group, TimestampMs before, std::function<void(Status)> done);

 private:
  struct Entry;
  class Turn;
  friend class Turn;
  using AfterSave = std::function<void(Turn&, Entry&, const Status&)>;

  Status check_open() const;
  Status check_call(const Principal& principal, Operation operation, const std::string& group) const;
  Status check_join(const Principal& principal, const JoinRequest& request) const;
  Entry* find(const std::string& group);

  // ---- what a join means (group_join.cc)
  void join_group(Turn& turn, const JoinRequest& request, JoinDone done);
  bool has_room(const Group& group, const JoinRequest& request) const;
  bool fits_memory(std::size_t has, std::size_t asked) const;
  bool has_memory(const Group& group, const JoinRequest& request) const;
  void join_new(Turn& turn, Entry& entry, const JoinRequest& request, JoinDone done);
  void join_known(Turn& turn, Entry& entry, const JoinRequest& request, JoinDone done);
  void add_member(Turn& turn, Entry& entry, const MemberId& id, const JoinRequest& request, JoinDone done);
  void update_member(Turn& turn, Entry& entry, GroupMember& member, const JoinRequest& request, JoinDone done);
  void replace_static(Turn& turn, Entry& entry, const MemberId& from, const MemberId& to, const JoinRequest& request,
                      JoinDone done);
  struct StaticReturn {
    MemberId from, to, leader_before;
    bool skips_assignment;
  };
  void static_returned(Turn& turn, Entry& entry, const StaticReturn& what, const GroupMember& old,
                       const Status& stored);
  JoinAnswer current_generation(const Group& group, const MemberId& id) const;
  MemberId new_member_id(const JoinRequest& request) const;

  // ---- the course of a rebalance (group_rebalance.cc)
  void prepare_rebalance(Turn& turn, Entry& entry);
  void rebalance_or_complete(Turn& turn, Entry& entry);
  void complete_if_all_joined(Turn& turn, Entry& entry);
  void initial_delay_over(Turn& turn, Entry& entry);
  void complete_join(Turn& turn, Entry& entry);
  Status check_memory(const Group& group, const SyncRequest& request) const;
  void sync_group(Turn& turn, Entry& entry, SyncRequest& request, SyncDone done);
  void store_assignments(Turn& turn, Entry& entry, std::map<MemberId, std::string> assignments);
  void assignments_stored(Turn& turn, Entry& entry, GroupGeneration generation,
                          const std::map<MemberId, std::string>& assignments, const Status& stored);
  void answer_syncs(Turn& turn, Entry& entry, const Status& status);
  void synced(Entry& entry, const MemberId& id);
  void sync_time_over(Turn& turn, Entry& entry);
  void drop_member(Turn& turn, Entry& entry, const MemberId& id, const char* why);

  // ---- time and disk
  void heard_of(Entry& entry, GroupMember& member, std::int64_t now_ms);
  void wake_by(Entry& entry, std::int64_t due_ms);
  void expire(Turn& turn, Entry& entry);
  void fire();
  void arm();
  void save_group(Turn& turn, Entry& entry, const std::map<MemberId, std::string>* assignments, AfterSave then);
  void save(Turn& turn, Entry& entry, std::optional<std::string> value, AfterSave then);
  void start_save(Turn& turn, const Entry& entry, const std::optional<std::string>& value);
  void saved(const std::string& group, const Status& status);
  Status let_go(const std::string& group);
  void remove_empty(Turn& turn, Entry& entry, std::function<void(const Status&)> done);
  // The end of a visit that may have changed the group: counts what it keeps, and forgets one that nobody uses.
  void visited(Entry& entry);

  Parts parts_;
  const GroupLimits limits_;
  std::mutex mutex_;
  // All below is guarded by it.
  // What everybody is told until the groups are there.
  std::optional<Error> loading_ =
      Error{Errc::coordinator_loading, "the groups are still being read from the disk; try again"};
  bool stopped_ = false;
  std::uint64_t rebalances_ = 0;  // generations that have begun
  std::map<std::string, std::unique_ptr<Entry>> groups_;
  std::size_t kept_bytes_ = 0;                            // of all groups, as of the last visit to each
  std::set<std::pair<std::int64_t, std::string>> wakes_;  // when a group has something to do
  std::int64_t armed_ms_;                                 // what the timer is to be set to
  EventLoop::TimerId timer_ = 0;                          // of the timers' loop only
};

}  // namespace logcask
