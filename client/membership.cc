#include "client/membership.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/clock.h"
#include "base/utf8.h"
#include "client/ask.h"
#include "proto/kafka/consumer_protocol.h"

namespace logcask::client {
namespace {

constexpr char kConsumerProtocol[] = "consumer";
// What a join or a sync may take beyond the time that the coordinator waits.
constexpr std::int64_t kAnswerMs = 5'000;
constexpr std::int64_t kFirstPauseMs = 50;
constexpr std::int64_t kLongestPauseMs = 1'000;

std::int64_t steady_ms() { return system_clock().monotonic_ns() / 1'000'000; }

}  // namespace

Membership::Membership(std::shared_ptr<Core> core, std::string topic, const ConsumerOptions& options,
                       std::function<void()> on_news)
    : core_(std::move(core)),
      topic_(std::move(topic)),
      group_(options.group),
      instance_id_(options.group_instance_id),
      session_timeout_ms_(options.session_timeout_ms),
      rebalance_timeout_ms_(options.rebalance_timeout_ms),
      heartbeat_interval_ms_(options.heartbeat_interval_ms),
      metadata_max_age_ms_(options.metadata_max_age_ms),
      on_news_(std::move(on_news)) {
  claim_.instance_id = instance_id_;
  last_poll_ms_ = steady_ms();
}

// ---- the consumer's side ------------------------------------------------------------------------------------------

Membership::News Membership::news() const {
  const std::lock_guard lock(mutex_);
  return news_;
}

void Membership::taken() {
  const std::lock_guard lock(mutex_);
  if (news_.kind == News::Kind::assigned) news_ = {};
}

Error Membership::trouble() const {
  const std::lock_guard lock(mutex_);
  // Since the call that came next waits, there is none.
  const bool lasts = steady_ms() - trouble_ms_ < 2 * kLongestPauseMs;
  return lasts ? trouble_ : Error{Errc::ok, {}};
}

void Membership::polling(bool begins) {
  const std::lock_guard lock(mutex_);
  polls_ = begins;
  last_poll_ms_ = steady_ms();
}

Result<MemberClaim> Membership::claim() const {
  const std::lock_guard lock(mutex_);
  const bool may_commit = state_ == State::member && news_.kind != News::Kind::lost && news_.kind != News::Kind::failed;
  if (may_commit) return claim_;
  return Error{Errc::unknown_member_id, "the consumer is no member of group '" + group_ +
                                            "' just now; what it read is another's, or will be: poll again"};
}

void Membership::join() {
  Epoch epoch = 0;
  {
    const std::lock_guard lock(mutex_);
    if (state_ == State::ended) return;
    epoch = ++epoch_;
    state_ = State::joining;
    news_ = {};
    backoff_ms_ = 0;
  }
  send_join(epoch);
}

void Membership::leave(CallOptions call, Callback<void> done) {
  v1::RequestHeader request;
  std::uint64_t waits_for = 0;
  bool leaves = false;
  {
    const std::lock_guard lock(mutex_);
    leaves = state_ != State::ended && !claim_.member_id.empty() && instance_id_.empty();
    state_ = State::ended;
    ++epoch_;
    waits_for = std::exchange(waits_for_, 0);
    news_ = {News::Kind::failed, {}, Error{Errc::cancelled, "the consumer has left group '" + group_ + "'"}};
    request.mutable_leave_group()->set_group(group_);
    to_wire(claim_, *request.mutable_leave_group()->add_members());
  }
  if (waits_for != 0) core_->cancel(Lane::requests, waits_for);
  if (!leaves) return core_->post([done] { done({}); });
  ask<void>(*core_, request, spec_of(call, OnLost::resend), std::move(done), [](const Response& response) -> Status {
    const auto& left = response.header.leave_group();
    // Whoever is no member any more has left, too.
    if (left.errors_size() > 0 && left.errors(0).code() != 0 &&
        errc_from_wire(left.errors(0).code()) != Errc::unknown_member_id)
      return error_of(left.errors(0));
    return {};
  });
}

// ---- the course of a membership -----------------------------------------------------------------------------------

bool Membership::current(Epoch epoch) const {
  const std::lock_guard lock(mutex_);
  return epoch == epoch_;
}

template <class Take>
ResponseHandler Membership::answer(Epoch epoch, Take take) {
  return [weak = weak_from_this(), epoch, take](const Result<Response>& response) {
    if (const auto self = weak.lock(); self && self->current(epoch)) take(*self, response);
  };
}

void Membership::tell(Epoch epoch, News::Kind kind, Error error) {
  {
    const std::lock_guard lock(mutex_);
    if (epoch != epoch_ || state_ == State::ended) return;
    if (kind == News::Kind::failed) state_ = State::ended;
    news_.kind = kind;
    news_.error = std::move(error);
  }
  on_news_();
}

Error Membership::of_group(const Error& error) const {
  const std::string name = "group '" + group_ + "'";
  return error.message.find(name) == std::string::npos ? Error(error).in(name) : error;
}

void Membership::refused(Epoch epoch, const Error& error, void (Membership::*again)(Epoch)) {
  bool kept_out = false;  // rather than asked to join anew
  switch (error.code) {
    case Errc::unknown_member_id: {
      const std::lock_guard lock(mutex_);
      if (epoch != epoch_) return;
      claim_.member_id.clear();
      claim_.generation = -1;
      again = &Membership::send_join;
      break;
    }
    case Errc::illegal_generation:
    case Errc::rebalance_in_progress:
      again = &Membership::send_join;
      break;
    default:
      if (!errc_retriable(error.code)) return tell(epoch, News::Kind::failed, of_group(error));
      kept_out = true;
  }
  std::int64_t pause_ms = 0;
  {
    const std::lock_guard lock(mutex_);
    if (epoch != epoch_) return;
    if (kept_out) {
      trouble_ = of_group(error);
      trouble_ms_ = steady_ms();
    }
    backoff_ms_ = std::clamp(backoff_ms_ * 2, kFirstPauseMs, kLongestPauseMs);
    pause_ms = backoff_ms_;
  }
  core_->log(LogLevel::debug, of_group(error).to_string() + "; asked again");
  core_->after_ms(pause_ms, [weak = weak_from_this(), epoch, again] {
    if (const auto self = weak.lock(); self && self->current(epoch)) (self.get()->*again)(epoch);
  });
}

void Membership::send_join(Epoch epoch) {
  kafka::ConsumerSubscription subscription;
  subscription.topics = {topic_};
  const Result<std::string> metadata = kafka::encode_subscription(subscription);
  if (!metadata.ok()) return tell(epoch, News::Kind::failed, metadata.error());
  v1::RequestHeader request;
  v1::JoinGroupRequest& join = *request.mutable_join_group();
  join.set_group(group_);
  join.set_session_timeout_ms(static_cast<std::uint32_t>(session_timeout_ms_));
  join.set_rebalance_timeout_ms(static_cast<std::uint32_t>(rebalance_timeout_ms_));
  join.set_protocol_type(kConsumerProtocol);
  for (const std::string_view name : {kRange, kRoundRobin}) {
    v1::JoinGroupRequest::Protocol& protocol = *join.add_protocols();
    protocol.set_name(std::string(name));
    protocol.set_metadata(*metadata);
  }
  {
    const std::lock_guard lock(mutex_);
    if (epoch != epoch_) return;
    state_ = State::joining;
    to_wire(claim_, *join.mutable_member());
  }
  wait_for(epoch, request, &Membership::joined);
}

// The answer may come before the call's id is kept here: then there is nothing to cancel any more, and the id that
// stands there may be that of the next call already.
void Membership::wait_for(Epoch epoch, v1::RequestHeader& request,
                          void (Membership::*take)(Epoch, const Result<Response>&)) {
  std::uint64_t wait = 0;
  {
    const std::lock_guard lock(mutex_);
    wait = ++wait_;
  }
  CallSpec spec;
  spec.on_lost = OnLost::resend;
  spec.timeout_ms = rebalance_timeout_ms_ + kAnswerMs;
  const std::uint64_t id = core_->call(
      request, {}, spec, answer(epoch, [epoch, wait, take](Membership& self, const Result<Response>& response) {
        self.waited(wait);
        (self.*take)(epoch, response);
      }));
  bool left = false;
  {
    const std::lock_guard lock(mutex_);
    left = epoch != epoch_;
    if (!left && wait == wait_) waits_for_ = id;
  }
  if (left) core_->cancel(Lane::requests, id);
}

void Membership::waited(std::uint64_t wait) {
  const std::lock_guard lock(mutex_);
  if (wait != wait_) return;
  ++wait_;
  waits_for_ = 0;
}

void Membership::joined(Epoch epoch, const Result<Response>& response) {
  if (!response.ok()) return refused(epoch, response.error(), &Membership::send_join);
  const v1::JoinGroupResponse& joined = response->header.join_group();
  const bool leads = joined.leader() == joined.member_id();
  {
    const std::lock_guard lock(mutex_);
    if (epoch != epoch_) return;
    trouble_ = {Errc::ok, {}};
    claim_.member_id = joined.member_id();
    if (!joined.join_again()) {
      state_ = State::syncing;
      claim_.generation = joined.generation();
      protocol_ = joined.protocol();
      leads_ = leads;
      shares_.clear();
    }
  }
  if (joined.join_again()) return send_join(epoch);
  if (leads) return lead(epoch, joined);
  send_sync(epoch, {});
}

// What cannot be read of another member is nothing it reads: one broken member must not stop the others.
void Membership::lead(Epoch epoch, const v1::JoinGroupResponse& joined) {
  std::vector<SharingMember> members;
  std::set<std::string> topics;
  for (const auto& member : joined.members()) {
    SharingMember one{member.member_id(), member.instance_id(), {}};
    if (auto reads = kafka::decode_subscription(member.metadata()); reads.ok())
      one.topics = std::move(reads->topics);
    else
      core_->log(LogLevel::warning, "group '" + group_ + "', member '" + one.id + "': " + reads.error().to_string() +
                                        "; it gets no partitions");
    // A Kafka client may ask for any bytes; those are no topic, and nothing the broker could be asked about.
    std::erase_if(one.topics, [](const std::string& topic) { return !valid_utf8(topic); });
    topics.insert(one.topics.begin(), one.topics.end());
    members.push_back(std::move(one));
  }
  {
    const std::lock_guard lock(mutex_);
    if (epoch != epoch_) return;
    topics_.assign(topics.begin(), topics.end());
    counts_.reset();
    topics_due_ms_ = next_look_ms();
  }
  if (!joined.skip_assignment()) return share_out(epoch, std::move(members));
  look_at_topics(epoch);
  send_sync(epoch, {});
}

void Membership::share_out(Epoch epoch, std::vector<SharingMember> members) {
  ask_counts(epoch, [this, epoch, members = std::move(members)](Result<PartitionCounts> counts) {
    // Within the rebalance timeout; else the group goes on without us, and we join anew.
    if (!counts.ok()) return refused(epoch, counts.error(), &Membership::send_join);
    std::string protocol;
    {
      const std::lock_guard lock(mutex_);
      if (epoch != epoch_) return;
      counts_ = *counts;
      protocol = protocol_;
    }
    send_sync(epoch, protocol == kRoundRobin ? share_in_turn(members, *counts) : share_by_range(members, *counts));
  });
}

// `done` runs while this lives and the epoch lasts.
void Membership::ask_counts(Epoch epoch, std::function<void(Result<PartitionCounts>)> done) {
  v1::RequestHeader request;
  v1::MetadataRequest& wanted = *request.mutable_metadata();
  {
    const std::lock_guard lock(mutex_);
    if (epoch != epoch_) return;
    for (const std::string& topic : topics_) wanted.add_topics(topic);
  }
  if (wanted.topics().empty()) return done(PartitionCounts());  // asked about none, the broker tells of all
  CallSpec spec;
  spec.on_lost = OnLost::resend;
  core_->call(request, {}, spec, answer(epoch, [done](Membership&, const Result<Response>& response) {
                if (!response.ok()) return done(response.error());
                PartitionCounts counts;
                for (const auto& topic : response->header.metadata().topics())
                  if (topic.error().code() == 0) counts[topic.name()] = static_cast<std::int32_t>(topic.partitions());
                done(std::move(counts));
              }));
}

void Membership::send_sync(Epoch epoch, const Shares& shares) {
  {
    const std::lock_guard lock(mutex_);
    if (epoch != epoch_) return;
    shares_ = shares;
  }
  sync_again(epoch);
}

void Membership::sync_again(Epoch epoch) {
  v1::RequestHeader request;
  v1::SyncGroupRequest& sync = *request.mutable_sync_group();
  sync.set_group(group_);
  sync.set_protocol_type(kConsumerProtocol);
  {
    const std::lock_guard lock(mutex_);
    if (epoch != epoch_) return;
    to_wire(claim_, *sync.mutable_member());
    sync.set_protocol(protocol_);
    for (const auto& [member, topics] : shares_) {
      kafka::ConsumerAssignment assignment;
      for (const auto& [topic, partitions] : topics) {
        kafka::TopicPartitions& part = assignment.assigned_partitions.emplace_back();
        part.topic = topic;
        for (const PartitionId partition : partitions) part.partitions.push_back(partition.value());
      }
      v1::SyncGroupRequest::Assignment& one = *sync.add_assignments();
      one.set_member_id(member);
      // The topics' names came in such a message, so there is room for them.
      if (auto bytes = kafka::encode_assignment(assignment); bytes.ok()) one.set_assignment(*std::move(bytes));
    }
  }
  wait_for(epoch, request, &Membership::synced);
}

void Membership::synced(Epoch epoch, const Result<Response>& response) {
  if (!response.ok()) return refused(epoch, response.error(), &Membership::sync_again);
  const auto share = kafka::decode_assignment(response->header.sync_group().assignment());
  if (!share.ok()) return tell(epoch, News::Kind::failed, of_group(share.error()));
  std::vector<PartitionId> partitions;
  for (const kafka::TopicPartitions& part : share->assigned_partitions)
    if (part.topic == topic_)
      for (const std::int32_t partition : part.partitions) partitions.push_back(PartitionId(partition));
  std::sort(partitions.begin(), partitions.end());
  partitions.erase(std::unique(partitions.begin(), partitions.end()), partitions.end());
  {
    const std::lock_guard lock(mutex_);
    if (epoch != epoch_) return;
    state_ = State::member;
    backoff_ms_ = 0;
    trouble_ = {Errc::ok, {}};
    shares_.clear();
    news_.partitions = std::move(partitions);
  }
  tell(epoch, News::Kind::assigned);
  beat_later(epoch);
}

// ---- being alive --------------------------------------------------------------------------------------------------

void Membership::beat_later(Epoch epoch) {
  core_->after_ms(heartbeat_interval_ms_, [weak = weak_from_this(), epoch] {
    if (const auto self = weak.lock(); self && self->current(epoch)) self->beat(epoch);
  });
}

void Membership::beat(Epoch epoch) {
  bool silent = false, looks = false;
  v1::RequestHeader request;
  request.mutable_heartbeat()->set_group(group_);
  {
    const std::lock_guard lock(mutex_);
    if (epoch != epoch_) return;
    const std::int64_t now_ms = steady_ms();
    silent = !polls_ && now_ms - last_poll_ms_ > rebalance_timeout_ms_;
    looks = leads_ && news_.kind == News::Kind::none && now_ms >= topics_due_ms_;
    if (looks) topics_due_ms_ = next_look_ms();
    to_wire(claim_, *request.mutable_heartbeat()->mutable_member());
  }
  if (core_->closed()) return;
  if (silent) return end_silently(epoch);
  if (looks) look_at_topics(epoch);
  CallSpec spec;
  spec.on_lost = OnLost::resend;
  spec.timeout_ms = session_timeout_ms_;
  core_->call(request, {}, spec, answer(epoch, [epoch](Membership& self, const Result<Response>& response) {
                self.beaten(epoch, response);
              }));
}

void Membership::beaten(Epoch epoch, const Result<Response>& response) {
  const Errc code = response.ok() ? Errc::ok : response.code();
  if (code == Errc::rebalance_in_progress) {
    bool told = false;
    {
      const std::lock_guard lock(mutex_);
      if (epoch != epoch_) return;
      told = news_.kind == News::Kind::give_up;
    }
    if (!told) tell(epoch, News::Kind::give_up);
  } else if (code == Errc::unknown_member_id || code == Errc::illegal_generation) {
    {
      const std::lock_guard lock(mutex_);
      if (epoch != epoch_) return;
      if (code == Errc::unknown_member_id) claim_.member_id.clear();
      claim_.generation = -1;
    }
    return tell(epoch, News::Kind::lost, of_group(response.error()));
  } else if (code != Errc::ok && !errc_retriable(code)) {
    return tell(epoch, News::Kind::failed, of_group(response.error()));
  }
  beat_later(epoch);
}

std::int64_t Membership::next_look_ms() const {
  return metadata_max_age_ms_ > 0 ? steady_ms() + metadata_max_age_ms_ : INT64_MAX;
}

// Partitions that a topic has gained, or a topic that has come or gone, are the leader's to notice. Who came back to
// shares that stand does not know by which counts they were made: the first it sees are those that later ones differ
// from.
void Membership::look_at_topics(Epoch epoch) {
  ask_counts(epoch, [this, epoch](const Result<PartitionCounts>& counts) {
    bool changed = false;
    {
      const std::lock_guard lock(mutex_);
      if (epoch != epoch_ || !counts.ok()) return;
      if (!counts_) counts_ = *counts;
      changed = *counts != *counts_ && state_ == State::member && news_.kind == News::Kind::none;
    }
    if (changed) tell(epoch, News::Kind::give_up);
  });
}

// Nobody polls: the partitions are given to whoever works. A static member's go when its session ends.
void Membership::end_silently(Epoch epoch) {
  v1::RequestHeader request;
  request.mutable_leave_group()->set_group(group_);
  {
    const std::lock_guard lock(mutex_);
    if (epoch != epoch_) return;
    epoch = ++epoch_;
    state_ = State::outside;
    to_wire(claim_, *request.mutable_leave_group()->add_members());
    if (instance_id_.empty()) claim_.member_id.clear();
    claim_.generation = -1;
  }
  if (instance_id_.empty()) core_->call(request, {}, {}, [](const Result<Response>&) {});
  tell(epoch, News::Kind::lost,
       Error{Errc::unknown_member_id, "the consumer left group '" + group_ + "' since it was not polled for " +
                                          std::to_string(rebalance_timeout_ms_) + " ms (rebalance_timeout_ms)"});
}

}  // namespace logcask::client
