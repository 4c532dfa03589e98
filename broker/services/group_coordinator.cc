#include "broker/services/group_coordinator.h"

#include <algorithm>
#include <utility>

#include "base/mutant.h"
#include "base/random.h"
#include "broker/log.h"
#include "broker/services/group_entry.h"
#include "broker/services/group_metadata_codec.h"
#include "broker/services/group_names.h"

namespace logcask {
namespace {

// What a member tells the leader; a group that does not fit one record cannot be written.
constexpr std::size_t kProtocolBytesMax = 1u << 20;
constexpr std::size_t kGroupIdBytesMax = 255;
constexpr std::size_t kInstanceIdBytesMax = 249;  // as Kafka has it
constexpr std::size_t kStoredTextBytesMax = 32767;

std::string random_unique_text() {
  TopicId random;  // 128 random bits, in hexadecimal
  secure_random_bytes(random.bytes.data(), random.bytes.size());
  return random.to_hex();
}

Error unknown_group(const std::string& group) {
  return {Errc::group_id_not_found, "there is no group '" + group + "'; its first member makes it"};
}

Error no_such_member(const std::string& group, const MemberId& id) {
  return {Errc::unknown_member_id,
          "group '" + group + "' has no member '" + id.text() + "': join it anew without an id"};
}

Error being_deleted(const std::string& group) {
  return {Errc::coordinator_not_available, "group '" + group + "' is being deleted; try again"};
}

Status check_instance_id(const std::optional<GroupInstanceId>& instance) {
  if (!instance) return {};
  const std::string& text = instance->text();
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
  if (!text.empty() && text.size() <= kInstanceIdBytesMax && plain && text != "." && text != "..") return {};
  return Error{Errc::invalid_argument, "a group instance id is 1 to " + std::to_string(kInstanceIdBytesMax) +
                                           " of [A-Za-z0-9._-], not '.' or '..'; '" + text + "' is not"};
}

}  // namespace

GroupCoordinator::Turn::~Turn() {
  if (!coordinator_.wakes_.empty() && coordinator_.wakes_.begin()->first < coordinator_.armed_ms_) {
    coordinator_.armed_ms_ = coordinator_.wakes_.begin()->first;
    later([&coordinator = coordinator_] { coordinator.parts_.timers.run([&coordinator] { coordinator.arm(); }); });
  }
  lock_.unlock();
  for (const auto& task : tasks_) task();
}

void GroupCoordinator::Turn::answer(JoinDone done, JoinAnswer answer) {
  if (done) later([done = std::move(done), answer = std::move(answer)] { done(answer); });
}

void GroupCoordinator::Turn::answer(SyncDone done, SyncAnswer answer) {
  if (done) later([done = std::move(done), answer = std::move(answer)] { done(answer); });
}

void GroupCoordinator::Turn::refuse(JoinDone done, const MemberId& id, Error error) {
  JoinAnswer refused;
  refused.status = std::move(error);
  refused.member_id = id;
  answer(std::move(done), std::move(refused));
}

void GroupCoordinator::Turn::refuse(SyncDone done, Error error) {
  SyncAnswer refused;
  refused.status = std::move(error);
  answer(std::move(done), std::move(refused));
}

GroupCoordinator::GroupCoordinator(Parts parts, const GroupLimits& limits)
    : parts_(std::move(parts)), limits_(limits), armed_ms_(kNeverMs) {
  if (!parts_.unique_text) parts_.unique_text = random_unique_text;
  if (parts_.names) parts_.names->of_kind(GroupKind::classic, [this](const std::string& name) { return let_go(name); });
}

GroupCoordinator::~GroupCoordinator() = default;

// ---- what every call asks first

Status GroupCoordinator::check_open() const {
  if (stopped_) return Error{Errc::shutting_down, "the broker stops; the group goes on at its next start"};
  if (loading_) return *loading_;
  return {};
}

Status GroupCoordinator::check_call(const Principal& principal, Operation operation, const std::string& group) const {
  LOGCASK_TRY(parts_.authorizer.authorize(principal, operation, {ResourceKind::group, group}));
  if (group.empty() || group.size() > kGroupIdBytesMax)
    return Error{Errc::invalid_group_id, "a group's name has 1 to " + std::to_string(kGroupIdBytesMax) +
                                             " bytes, this one " + std::to_string(group.size())};
  return {};
}

Status GroupCoordinator::check_join(const Principal& principal, const JoinRequest& request) const {
  LOGCASK_TRY(check_call(principal, Operation::read, request.group));
  LOGCASK_TRY(check_group_is_text(request.group));
  if (request.session_timeout_ms < limits_.min_session_timeout_ms ||
      request.session_timeout_ms > limits_.max_session_timeout_ms)
    return Error{Errc::invalid_session_timeout,
                 "a session timeout of " + std::to_string(request.session_timeout_ms) + " ms in group '" +
                     request.group + "': from " + std::to_string(limits_.min_session_timeout_ms) + " to " +
                     std::to_string(limits_.max_session_timeout_ms) +
                     " ms are taken (group.min.session.timeout.ms, group.max.session.timeout.ms)"};
  LOGCASK_TRY(check_instance_id(request.instance_id));
  std::size_t protocol_bytes = 0;
  for (const GroupProtocol& one : request.protocols) protocol_bytes += one.name.size() + one.metadata.size();
  if (protocol_bytes > kProtocolBytesMax)
    return Error{Errc::invalid_argument,
                 "the protocols of a member of group '" + request.group + "' have " + std::to_string(protocol_bytes) +
                     " bytes; the record of a group has room for " + std::to_string(kProtocolBytesMax)};
  const auto fits = [](const std::string& text) { return text.size() <= kStoredTextBytesMax; };
  const bool all_fit = fits(request.client_id) && fits(request.client_host) && fits(request.protocol_type) &&
                       std::all_of(request.protocols.begin(), request.protocols.end(),
                                   [&](const GroupProtocol& one) { return fits(one.name); });
  if (!all_fit)
    return Error{Errc::invalid_argument, "a name in the join of group '" + request.group + "' is longer than " +
                                             std::to_string(kStoredTextBytesMax) + " bytes"};
  return {};
}

GroupCoordinator::Entry* GroupCoordinator::find(const std::string& group) {
  const auto found = groups_.find(group);
  return found == groups_.end() ? nullptr : found->second.get();
}

// ---- members

void GroupCoordinator::join(const GroupCaller& caller, JoinRequest request, JoinDone done) {
  JoinDone waiter = [&loop = caller.loop, done = std::move(done)](JoinAnswer answer) {
    loop.run([done, answer = std::move(answer)] { done(answer); });
  };
  request.rebalance_timeout_ms = std::clamp<std::int64_t>(request.rebalance_timeout_ms, 0, INT32_MAX);
  Status refused = check_join(caller.principal, request);
  if (refused.ok() && parts_.names) refused = parts_.names->make_way(request.group, GroupKind::classic);
  if (refused.code() == Errc::non_empty_group)
    refused = Error{Errc::inconsistent_group_protocol, refused.error().message};
  Turn turn(*this);
  if (refused.ok()) refused = check_open();
  if (!refused.ok()) return turn.refuse(std::move(waiter), request.member_id, std::move(refused).error());
  join_group(turn, request, std::move(waiter));
}

void GroupCoordinator::sync(const GroupCaller& caller, SyncRequest request, SyncDone done) {
  SyncDone waiter = [&loop = caller.loop, done = std::move(done)](SyncAnswer answer) {
    loop.run([done, answer = std::move(answer)] { done(answer); });
  };
  Status refused = check_call(caller.principal, Operation::read, request.group);
  Turn turn(*this);
  if (refused.ok()) refused = check_open();
  Entry* entry = refused.ok() ? find(request.group) : nullptr;
  if (refused.ok() && !entry) refused = no_such_member(request.group, request.member.member_id);
  if (!refused.ok()) return turn.refuse(std::move(waiter), std::move(refused).error());
  sync_group(turn, *entry, request, std::move(waiter));
}

Status GroupCoordinator::heartbeat(const Principal& principal, const std::string& name, const GroupMemberClaim& claim) {
  LOGCASK_TRY(check_call(principal, Operation::read, name));
  Turn turn(*this);
  LOGCASK_TRY(check_open());
  Entry* entry = find(name);
  if (!entry) return no_such_member(name, claim.member_id);
  const Group& group = entry->group;
  if (group.is(GroupState::dead)) return being_deleted(name);
  LOGCASK_TRY(group.check_member(claim.member_id, claim.instance_id));
  LOGCASK_TRY(group.check_generation(claim.generation));
  heard_of(*entry, *entry->group.find(claim.member_id), turn.now_ms());
  if (group.is(GroupState::preparing_rebalance))
    return Error{Errc::rebalance_in_progress,
                 "group '" + name + "' shares out anew: member '" + claim.member_id.text() + "' has to join again"};
  return {};
}

Result<std::vector<Status>> GroupCoordinator::leave(const Principal& principal, const std::string& name,
                                                    const std::vector<LeavingMember>& members) {
  LOGCASK_TRY(check_call(principal, Operation::read, name));
  Turn turn(*this);
  LOGCASK_TRY(check_open());
  std::vector<Status> statuses;
  Entry* entry = find(name);
  if (!entry) {
    for (const LeavingMember& one : members) statuses.push_back(no_such_member(name, one.member_id));
    return statuses;
  }
  Group& group = entry->group;
  if (group.is(GroupState::dead)) return being_deleted(name);
  bool member_left = false, id_left = false;
  const auto let_go = [&](const LeavingMember& one) -> Status {
    MemberId id = one.member_id;
    if (id.empty()) {
      const MemberId* known = one.instance_id ? group.static_member(*one.instance_id) : nullptr;
      if (!known)
        return Error{Errc::unknown_member_id, "group '" + name + "' has no member with the instance id '" +
                                                  (one.instance_id ? one.instance_id->text() : std::string()) +
                                                  "'; it may have left already"};
      id = *known;
    } else if (group.pending().erase(id) > 0) {
      id_left = true;
      return {};
    }
    LOGCASK_TRY(group.check_member(id, one.instance_id));
    drop_member(turn, *entry, id, "it left");
    member_left = true;
    return {};
  };
  for (const LeavingMember& one : members) statuses.push_back(let_go(one));
  if (member_left)
    rebalance_or_complete(turn, *entry);
  else if (id_left)
    complete_if_all_joined(turn, *entry);
  visited(*entry);
  return statuses;
}

Status GroupCoordinator::validate_commit(const std::string& name, const GroupMemberClaim& claim, bool transactional) {
  Turn turn(*this);
  LOGCASK_TRY(check_open());
  Entry* entry = find(name);
  const bool in_no_generation = claim.generation < GroupGeneration(0);
  if (!entry) {
    if (in_no_generation) return {};
    return Error{Errc::illegal_generation, "there is no group '" + name + "' in generation " +
                                               std::to_string(claim.generation.value()) + ": join it anew"};
  }
  Group& group = entry->group;
  if (group.is(GroupState::dead)) return being_deleted(name);
  if (in_no_generation && group.is(GroupState::empty)) return {};
  if (in_no_generation && claim.member_id.empty() && !claim.instance_id) {
    if (transactional || mutant(Mutant::stranger_commits)) return {};
    return Error{Errc::unknown_member_id, "group '" + name + "' has members (" +
                                              std::to_string(group.members().size()) +
                                              "): only they commit offsets. Stop them first, or join it"};
  }
  LOGCASK_TRY(group.check_member(claim.member_id, claim.instance_id));
  LOGCASK_TRY(group.check_generation(claim.generation));
  if (!transactional && group.is(GroupState::completing_rebalance))
    return Error{Errc::rebalance_in_progress, "group '" + name + "' is between two assignments: member '" +
                                                  claim.member_id.text() + "' commits after its sync"};
  heard_of(*entry, *group.find(claim.member_id), turn.now_ms());
  return {};
}

// ---- administration

Result<GroupDescription> GroupCoordinator::describe(const Principal& principal, const std::string& name) {
  LOGCASK_TRY(check_call(principal, Operation::describe, name));
  Turn turn(*this);
  LOGCASK_TRY(check_open());
  const Entry* entry = find(name);
  if (!entry || entry->group.is(GroupState::dead)) return unknown_group(name);
  return entry->group.describe();
}

Result<std::vector<GroupListing>> GroupCoordinator::list(const Principal& principal,
                                                         const std::set<GroupState>& states) {
  std::vector<GroupListing> all;
  {
    Turn turn(*this);
    LOGCASK_TRY(check_open());
    for (const auto& [name, entry] : groups_)
      if (states.empty() || states.count(entry->group.state()) > 0)
        all.push_back({name, entry->group.protocol_type(), entry->group.state()});
  }
  std::erase_if(all, [&](const GroupListing& one) {
    return !parts_.authorizer.authorize(principal, Operation::describe, {ResourceKind::group, one.group}).ok();
  });
  return all;
}

void GroupCoordinator::add_numbers(Metrics::Numbers& numbers) {
  static constexpr std::pair<GroupState, const char*> kStates[] = {
      {GroupState::empty, "groups.empty"},
      {GroupState::preparing_rebalance, "groups.preparing_rebalance"},
      {GroupState::completing_rebalance, "groups.completing_rebalance"},
      {GroupState::stable, "groups.stable"}};
  std::map<GroupState, std::size_t> groups;
  std::size_t members = 0;
  const std::lock_guard lock(mutex_);
  for (const auto& [name, entry] : groups_) {
    ++groups[entry->group.state()];
    members += entry->group.members().size();
  }
  for (const auto& [state, name] : kStates) numbers.emplace_back(name, static_cast<double>(groups[state]));
  numbers.emplace_back("groups.members", static_cast<double>(members));
  numbers.emplace_back("groups.rebalances", static_cast<double>(rebalances_));
}

void GroupCoordinator::delete_group(const GroupCaller& caller, const std::string& name,
                                    std::function<void(Status)> done) {
  const auto answer = [&loop = caller.loop, done = std::move(done)](const Status& status) {
    loop.run([done, status] { done(status); });
  };
  Status refused = check_call(caller.principal, Operation::remove, name);
  Turn turn(*this);
  if (refused.ok()) refused = check_open();
  Entry* entry = refused.ok() ? find(name) : nullptr;
  if (refused.ok() && (!entry || entry->group.is(GroupState::dead))) refused = unknown_group(name);
  if (refused.ok() && !entry->group.is(GroupState::empty))
    refused = Error{Errc::non_empty_group, "group '" + name + "' has " + std::to_string(entry->group.members().size()) +
                                               " members; stop them first"};
  if (!refused.ok()) return turn.later([answer, refused] { answer(refused); });
  remove_empty(turn, *entry, answer);
}

void GroupCoordinator::remove_empty(Turn& turn, Entry& entry, std::function<void(const Status&)> done) {
  entry.group.pending().clear();
  const TimestampMs since = entry.group.since();
  entry.group.transition(GroupState::dead, turn.wall());
  save(turn, entry, std::nullopt, [since, done = std::move(done)](Turn& after, Entry& gone, const Status& status) {
    if (!status.ok()) gone.group.transition(GroupState::empty, since);
    after.later([done, status] { done(status); });
  });
}

Status GroupCoordinator::let_go(const std::string& name) {
  Turn turn(*this);
  Entry* entry = find(name);
  if (!entry || entry->group.is(GroupState::dead)) return {};
  const Group& group = entry->group;
  if (!group.is(GroupState::empty) || !group.pending().empty() || !entry->saves.empty())
    return Error{Errc::non_empty_group, "group '" + name + "' has " + std::to_string(group.members().size()) +
                                            " members of the classic protocol; stop them first"};
  remove_empty(turn, *entry, [](const Status&) {});
  return {};
}

bool GroupCoordinator::knows(const std::string& group) {
  Turn turn(*this);
  return find(group) != nullptr;
}

std::optional<std::string> GroupCoordinator::find_name(const std::function<bool(const std::string&)>& wanted) {
  Turn turn(*this);
  for (const auto& [name, entry] : groups_)
    if (wanted(name)) return name;
  return std::nullopt;
}

std::vector<std::string> GroupCoordinator::empty_since_before(TimestampMs time) {
  std::vector<std::string> names;
  Turn turn(*this);
  if (!check_open().ok()) return names;
  for (const auto& [name, entry] : groups_)
    if (entry->group.is(GroupState::empty) && entry->group.pending().empty() && entry->group.since() < time)
      names.push_back(name);
  return names;
}

void GroupCoordinator::expire_group(const std::string& name, TimestampMs before, std::function<void(Status)> done) {
  Turn turn(*this);
  Entry* entry = find(name);
  Status refused = check_open();
  if (refused.ok() && !entry) refused = unknown_group(name);
  if (refused.ok() && (!entry->group.is(GroupState::empty) || entry->group.since() >= before))
    refused = Error{Errc::non_empty_group, "group '" + name + "' is in use again"};
  if (!refused.ok()) return turn.later([done = std::move(done), refused] { done(refused); });
  remove_empty(turn, *entry, std::move(done));
}

void GroupCoordinator::loaded(std::map<std::string, GroupMetadataValue> groups) {
  Turn turn(*this);
  for (auto& [name, stored] : groups) {
    if (parts_.names) parts_.names->take(name, GroupKind::classic);
    auto& place = groups_[name];
    place = std::make_unique<Entry>(Group(name, std::move(stored)));
    Entry& entry = *place;
    std::vector<MemberId> ids;
    for (const auto& [id, member] : entry.group.members()) ids.push_back(id);
    for (const MemberId& id : ids) heard_of(entry, *entry.group.find(id), turn.now_ms());
    if (ids.size() > limits_.max_size) prepare_rebalance(turn, entry);
    visited(entry);
  }
  loading_.reset();
}

void GroupCoordinator::load_failed(const Error& why) {
  const std::lock_guard lock(mutex_);
  if (loading_) loading_->message = "the groups cannot be read, which is tried again: " + why.to_string();
}

void GroupCoordinator::stop() {
  Turn turn(*this);
  stopped_ = true;
  const Error stopping{Errc::shutting_down, "the broker stops; the group goes on at its next start"};
  for (auto& [name, entry] : groups_) {
    std::vector<MemberId> ids;
    for (const auto& [id, member] : entry->group.members()) ids.push_back(id);
    for (const MemberId& id : ids) {
      GroupMember& member = *entry->group.find(id);
      turn.refuse(entry->group.take_join_waiter(member), id, stopping);
      turn.refuse(std::exchange(member.sync_waiter, nullptr), stopping);
    }
  }
  wakes_.clear();
}

// ---- time

void GroupCoordinator::heard_of(Entry& entry, GroupMember& member, std::int64_t now_ms) {
  member.session_due_ms = now_ms + member.session_timeout_ms;
  wake_by(entry, member.session_due_ms);
}

// Later ones need no place of their own: when the group wakes, it looks at all of its times.
void GroupCoordinator::wake_by(Entry& entry, std::int64_t due_ms) {
  if (due_ms >= entry.wake_ms || stopped_) return;
  if (entry.wake_ms != kNeverMs) wakes_.erase({entry.wake_ms, entry.group.name()});
  entry.wake_ms = due_ms;
  wakes_.insert({due_ms, entry.group.name()});
}

// Turns of several threads come here in any order: what counts is what is due by now.
void GroupCoordinator::arm() {
  if (timer_) parts_.timers.cancel(timer_);
  timer_ = 0;
  std::int64_t due_ms = kNeverMs;
  {
    const std::lock_guard lock(mutex_);
    due_ms = armed_ms_;
  }
  if (due_ms == kNeverMs) return;
  const std::int64_t wait_ms = due_ms - parts_.clock.monotonic_ns() / 1'000'000;
  timer_ = parts_.timers.call_after(std::max<std::int64_t>(wait_ms, 1), [this] { fire(); });
}

void GroupCoordinator::fire() {
  timer_ = 0;
  Turn turn(*this);
  armed_ms_ = kNeverMs;
  while (!wakes_.empty() && wakes_.begin()->first <= turn.now_ms()) {
    Entry* entry = find(wakes_.begin()->second);
    wakes_.erase(wakes_.begin());
    if (!entry) continue;
    entry->wake_ms = kNeverMs;
    expire(turn, *entry);
    std::int64_t next_ms = std::min(entry->join_due_ms, entry->sync_due_ms);
    for (const auto& [id, due_ms] : entry->group.pending()) next_ms = std::min(next_ms, due_ms);
    for (const auto& [id, member] : entry->group.members()) next_ms = std::min(next_ms, member.session_due_ms);
    // What is due already becomes due by what has just happened: one turn of the loop later.
    wake_by(*entry, std::max(next_ms, turn.now_ms() + 1));
    visited(*entry);
  }
}

void GroupCoordinator::expire(Turn& turn, Entry& entry) {
  Group& group = entry.group;
  if (group.is(GroupState::dead)) return;
  const bool ids_gone =
      std::erase_if(group.pending(), [&](const auto& one) { return one.second <= turn.now_ms(); }) > 0;
  std::vector<MemberId> gone;
  for (const auto& [id, member] : group.members()) {
    if (member.session_due_ms > turn.now_ms()) continue;
    if (member.waits() && !member.is_new && !mutant(Mutant::waiting_member_expires))
      group.find(id)->session_due_ms = kNeverMs;  // until it is answered
    else
      gone.push_back(id);
  }
  for (const MemberId& id : gone) drop_member(turn, entry, id, "nothing was heard of it for its session timeout");
  if (!gone.empty())
    rebalance_or_complete(turn, entry);
  else if (ids_gone)
    complete_if_all_joined(turn, entry);
  if (entry.join_due_ms <= turn.now_ms()) {
    if (entry.initial_delay)
      initial_delay_over(turn, entry);
    else
      complete_join(turn, entry);
  }
  if (entry.sync_due_ms <= turn.now_ms()) sync_time_over(turn, entry);
}

// ---- disk

void GroupCoordinator::save_group(Turn& turn, Entry& entry, const std::map<MemberId, std::string>* assignments,
                                  AfterSave then) {
  save(turn, entry, encode_group_metadata_value(entry.group.stored(assignments)), std::move(then));
}

void GroupCoordinator::save(Turn& turn, Entry& entry, std::optional<std::string> value, AfterSave then) {
  entry.saves.push_back({std::move(value), std::move(then)});
  // Two at a time could come to the log in either order.
  if (entry.saves.size() == 1 || mutant(Mutant::group_saves_race)) start_save(turn, entry, entry.saves.back().value);
}

void GroupCoordinator::start_save(Turn& turn, const Entry& entry, const std::optional<std::string>& value) {
  turn.later([this, name = entry.group.name(), value] {
    parts_.store.save(encode_group_metadata_key(name), value, [this, name](Status status) { saved(name, status); });
  });
}

void GroupCoordinator::saved(const std::string& name, const Status& status) {
  AfterSave then;  // ends without the lock
  Turn turn(*this);
  Entry* entry = find(name);
  if (!entry || entry->saves.empty()) return;
  Status answer = status;
  if (!status.ok()) {
    const bool too_large = status.code() == Errc::message_too_large || status.code() == Errc::invalid_record;
    answer = Error{too_large ? Errc::internal : Errc::coordinator_not_available,
                   "group '" + name + "' could not be written (" + status.error().to_string() +
                       "): " + (too_large ? "it needs fewer members, or smaller assignments" : "try again")};
    log_warn(answer.error().message);
  }
  then = std::move(entry->saves.front().then);
  entry->saves.pop_front();
  if (!entry->saves.empty()) start_save(turn, *entry, entry->saves.front().value);
  if (then) then(turn, *entry, answer);
  visited(*entry);
}

// Nobody is in it, nobody is expected, and nothing was written of it.
void GroupCoordinator::visited(Entry& entry) {
  const Group& group = entry.group;
  kept_bytes_ += group.kept_bytes() - entry.counted_bytes;
  entry.counted_bytes = group.kept_bytes();
  if (!entry.saves.empty() || !group.members().empty() || !group.pending().empty()) return;
  const bool never_was = group.is(GroupState::empty) && group.generation() == GroupGeneration(0);
  if (!never_was && !group.is(GroupState::dead)) return;
  if (entry.wake_ms != kNeverMs) wakes_.erase({entry.wake_ms, group.name()});
  kept_bytes_ -= entry.counted_bytes;
  const std::string name = group.name();
  groups_.erase(name);
  if (parts_.names) parts_.names->release(name);
}

}  // namespace logcask
