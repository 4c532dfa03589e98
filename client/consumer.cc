#include "logcask/consumer.h"

#include "base/mutant.h"
#include "client/ask.h"
#include "client/blocking.h"
#include "client/consumer_impl.h"
#include "logcask/admin.h"

namespace logcask::client {
namespace {

struct Committed {
  std::map<PartitionId, ReadPosition> positions;
  std::vector<PartitionId> not_used;  // of another log of that name
};

// The group's commits for the partitions of one topic; those without one are left out.
Result<Committed> fetch_committed(Core& core, const std::string& group, const std::string& topic,
                                  const std::vector<PartitionId>& partitions, CallOptions call) {
  if (group.empty()) return Error{Errc::invalid_argument, "ConsumerOptions::group is not set"};
  return wait_for<Committed>(core, [&](Callback<Committed> done) {
    v1::RequestHeader request;
    request.mutable_fetch_offsets()->set_group(group);
    for (const PartitionId partition : partitions) {
      auto* entry = request.mutable_fetch_offsets()->add_entries();
      entry->set_topic(topic);
      entry->set_partition(static_cast<std::uint32_t>(partition.value()));
    }
    core.call(request, {}, spec_of(call, OnLost::resend), [done, topic](Result<Response> response) {
      Committed committed;
      if (!response.ok()) {
        if (response.code() == Errc::unknown_group) return done(committed);
        return done(std::move(response).error());
      }
      for (const auto& entry : response->header.fetch_offsets().entries())
        if (entry.topic() == topic) {
          const PartitionId partition(static_cast<std::int32_t>(entry.partition()));
          if (entry.offset() >= 0)
            committed.positions[partition] = {Offset(entry.offset()), RunId(entry.run())};
          else if (errc_from_wire(entry.error().code()) == Errc::topic_changed)
            committed.not_used.push_back(partition);
        }
      done(std::move(committed));
    });
  });
}

struct Begin {
  Offset offset;
  bool knows_all = false;
  RunId run = kNoRun;
};

std::int64_t query_time(const StartAt& start, StartAt::Kind kind) {
  if (kind == StartAt::Kind::earliest) return OffsetQuery::kEarliest;
  if (kind == StartAt::Kind::timestamp) return start.at_timestamp.value();
  return OffsetQuery::kLatest;
}

// Offsets for partitions that begin at the start, the end or a time.
Status look_up(Admin& admin, const std::string& topic, const StartAt& start, StartAt::Kind kind,
               const std::vector<PartitionId>& partitions, CallOptions call, std::map<PartitionId, Begin>& begins) {
  if (partitions.empty()) return {};
  std::vector<OffsetQuery> queries;
  for (const PartitionId partition : partitions) queries.push_back({partition, query_time(start, kind)});
  LOGCASK_ASSIGN(const auto listed, admin.list_offsets(topic, queries, call));
  std::vector<PartitionId> after_the_end;
  for (const ListedOffset& found : listed) {
    if (found.error.code != Errc::ok) return of_partition(found.error, topic, found.partition.value());
    if (found.offset == kNoOffset)
      after_the_end.push_back(found.partition);
    else
      begins[found.partition] = {found.offset, kind == StartAt::Kind::earliest};
  }
  if (kind == StartAt::Kind::latest) return {};
  return look_up(admin, topic, start, StartAt::Kind::latest, after_the_end, call, begins);
}

// A start at a given offset. Beyond the end there is nothing that could be waited for honestly: the records that come
// to lie there are others than the caller knows of.
Status begin_at_offset(Admin& admin, const std::string& topic, const StartAt& start,
                       const std::vector<PartitionId>& partitions, ConsumerOptions::OutOfRange out_of_range,
                       CallOptions call, std::map<PartitionId, Begin>& begins) {
  std::map<PartitionId, Begin> ends;
  if (start.at_offset > Offset(0))
    LOGCASK_TRY(look_up(admin, topic, start, StartAt::Kind::latest, partitions, call, ends));
  std::vector<PartitionId> from_earliest;
  for (const PartitionId partition : partitions) {
    const auto end = ends.find(partition);
    if (end == ends.end() || start.at_offset <= end->second.offset || mutant(Mutant::starts_beyond_the_end))
      begins[partition] = {start.at_offset, start.at_offset == Offset(0)};
    else if (out_of_range == ConsumerOptions::OutOfRange::latest)
      begins[partition] = {end->second.offset, false};
    else if (out_of_range == ConsumerOptions::OutOfRange::earliest)
      from_earliest.push_back(partition);
    else
      return Error{Errc::offset_out_of_range, topic + "-" + std::to_string(partition.value()) + ": offset " +
                                                  std::to_string(start.at_offset.value()) + " is beyond the end, " +
                                                  std::to_string(end->second.offset.value())};
  }
  return look_up(admin, topic, start, StartAt::Kind::earliest, from_earliest, call, begins);
}

Result<std::map<PartitionId, Begin>> resolve(const Client& client, const std::string& topic, const StartAt& start,
                                             const std::vector<PartitionId>& partitions, const ConsumerOptions& options,
                                             CallOptions call, std::vector<PartitionId>& not_used) {
  std::map<PartitionId, Begin> begins;
  not_used.clear();
  Admin admin(client);
  if (start.kind == StartAt::Kind::offset) {
    LOGCASK_TRY(begin_at_offset(admin, topic, start, partitions, options.out_of_range, call, begins));
    return begins;
  }
  if (start.kind != StartAt::Kind::committed) {
    LOGCASK_TRY(look_up(admin, topic, start, start.kind, partitions, call, begins));
    return begins;
  }
  LOGCASK_ASSIGN(Committed committed, fetch_committed(*client.core(), options.group, topic, partitions, call));
  not_used = std::move(committed.not_used);
  std::vector<PartitionId> uncommitted;
  for (const PartitionId partition : partitions) {
    if (const auto found = committed.positions.find(partition); found != committed.positions.end())
      begins[partition] = {found->second.offset, false, found->second.run};
    else
      uncommitted.push_back(partition);
  }
  LOGCASK_TRY(look_up(admin, topic, start, start.when_uncommitted, uncommitted, call, begins));
  return begins;
}

Result<std::vector<PartitionId>> all_or_checked(std::vector<PartitionId> partitions, const TopicInfo& topic) {
  const auto count = static_cast<std::int32_t>(topic.partitions);
  for (const PartitionId partition : partitions)
    if (partition.value() < 0 || partition.value() >= count)
      return Error{Errc::unknown_partition, "topic '" + topic.name + "' has partitions 0 to " +
                                                std::to_string(count - 1) + ", not " +
                                                std::to_string(partition.value())};
  if (partitions.empty())
    for (std::int32_t i = 0; i < count; ++i) partitions.push_back(PartitionId(i));
  return partitions;
}

Status check_options(const ConsumerOptions& options) {
  if (options.max_poll_records == 0) return Error{Errc::invalid_argument, "max_poll_records must be above 0"};
  if (options.metadata_max_age_ms < 0) return Error{Errc::invalid_argument, "metadata_max_age_ms must not be below 0"};
  return {};
}

}  // namespace

Result<Consumer> Consumer::open(const Client& client, std::string topic, StartAt start,
                                std::vector<PartitionId> partitions, ConsumerOptions options) {
  LOGCASK_TRY(check_options(options));
  LOGCASK_ASSIGN(const TopicInfo info, Admin(client).topic(topic));
  const bool all = partitions.empty();
  LOGCASK_ASSIGN(partitions, all_or_checked(std::move(partitions), info));
  std::vector<PartitionId> not_used;
  LOGCASK_ASSIGN(const auto begins, resolve(client, topic, start, partitions, options, {}, not_used));
  auto impl = std::make_shared<Impl>(client.core(), std::move(topic), std::move(partitions), std::move(options));
  impl->commits_not_used = std::move(not_used);
  for (const auto& [partition, begin] : begins)
    impl->state.start_at(partition, begin.offset, begin.knows_all, begin.run);
  if (all) impl->follow_growth(client, info, start);
  impl->fetch_more();
  return Consumer(std::move(impl));
}

void Consumer::Impl::follow_growth(const Client& of, const TopicInfo& info, const StartAt& from) {
  client = of;
  start = from;
  count = std::make_shared<PartitionCount>(core, info, options.metadata_max_age_ms,
                                           [weak = weak_from_this()](std::size_t partitions_there) {
                                             if (const auto self = weak.lock()) self->counted(partitions_there);
                                           });
  count->watch();
}

namespace {

// A group's share is looked up within the poll that takes it.
constexpr std::int64_t kLookUpAtLeastMs = 500;
constexpr std::int64_t kLookUpAgainMs = 100;
// How long a consumer that goes out of scope waits for its leave.
constexpr std::int64_t kLeaveMs = 1'000;

Status check_member_options(const ConsumerOptions& options) {
  if (options.group.empty()) return Error{Errc::invalid_argument, "ConsumerOptions::group is not set"};
  const auto fits = [](std::int64_t ms) { return ms > 0 && ms <= INT32_MAX; };
  if (!fits(options.session_timeout_ms) || !fits(options.rebalance_timeout_ms) || !fits(options.heartbeat_interval_ms))
    return Error{Errc::invalid_argument,
                 "session_timeout_ms, rebalance_timeout_ms and heartbeat_interval_ms are from 1 to 2147483647"};
  if (options.heartbeat_interval_ms > options.session_timeout_ms / 2)
    return Error{Errc::invalid_argument, "heartbeat_interval_ms " + std::to_string(options.heartbeat_interval_ms) +
                                             " is above half of session_timeout_ms " +
                                             std::to_string(options.session_timeout_ms)};
  return {};
}

}  // namespace

Result<Consumer> Consumer::join(const Client& client, std::string topic, StartAt start, ConsumerOptions options) {
  LOGCASK_TRY(check_options(options));
  LOGCASK_TRY(check_member_options(options));
  if (auto found = Admin(client).topic(topic); !found.ok()) return std::move(found).error();
  auto impl = std::make_shared<Impl>(client.core(), std::move(topic), std::vector<PartitionId>(), std::move(options));
  impl->client = client;
  impl->start = start;
  impl->has_share = false;
  impl->membership =
      std::make_shared<Membership>(client.core(), impl->topic, impl->options, [weak = std::weak_ptr<Impl>(impl)] {
        if (const auto self = weak.lock()) self->group_news();
      });
  impl->membership->join();
  return Consumer(std::move(impl));
}

// False: not now; the share is told again.
Result<bool> Consumer::Impl::take_share(const std::vector<PartitionId>& share, std::int64_t max_wait_ms) {
  CallOptions call;
  call.timeout_ms = std::max(max_wait_ms, kLookUpAtLeastMs);
  const StartAt from = first_share ? start : StartAt::committed(start.when_uncommitted);
  std::map<PartitionId, Begin> begins;
  if (!share.empty()) {
    auto found = resolve(*client, topic, from, share, options, call, commits_not_used);
    if (!found.ok() && errc_retriable(found.code())) {
      core->after_ms(kLookUpAgainMs, [weak = weak_from_this()] {
        if (const auto self = weak.lock()) self->group_news();
      });
      const std::lock_guard lock(mutex);
      trouble = found.error();
      return false;
    }
    if (!found.ok()) return std::move(found).error();
    begins = *std::move(found);
    first_share = false;
  }
  partitions = share;
  revoke_told = false;
  has_share = true;
  {
    const std::lock_guard lock(mutex);
    state.assign(share);
    for (const auto& [partition, begin] : begins) state.start_at(partition, begin.offset, begin.knows_all, begin.run);
  }
  membership->taken();
  fetch_more();
  return true;
}

// All that is in them has come after the consumer was opened, wherever it began.
Status Consumer::Impl::take_added(PollResult& result, std::int64_t max_wait_ms) {
  std::vector<PartitionId> added;
  {
    const std::lock_guard lock(mutex);
    for (std::size_t i = partitions.size(); i < partition_count; ++i)
      added.push_back(PartitionId(static_cast<std::int32_t>(i)));
    partition_count = 0;
  }
  CallOptions call;
  call.timeout_ms = std::max(max_wait_ms, kLookUpAtLeastMs);
  const StartAt from = start.kind == StartAt::Kind::committed ? StartAt::committed() : StartAt::earliest();
  std::vector<PartitionId> not_used;
  const auto begins = resolve(*client, topic, from, added, options, call, not_used);
  // The next look brings them again.
  if (!begins.ok()) return errc_retriable(begins.code()) ? Status() : begins.error();
  {
    const std::lock_guard lock(mutex);
    for (const auto& [partition, begin] : *begins) {
      state.add(partition);
      state.start_at(partition, begin.offset, begin.knows_all, begin.run);
    }
  }
  partitions.insert(partitions.end(), added.begin(), added.end());
  commits_not_used.insert(commits_not_used.end(), not_used.begin(), not_used.end());
  result.added = std::move(added);
  fetch_more();
  return {};
}

// As a member at most once: it has left then.
Status Consumer::Impl::close(CallOptions call, bool waits) {
  stop();
  if (!membership) return {};
  if (!waits || core->on_io_thread()) {
    membership->leave(call, [](const Status&) {});
    return {};
  }
  return wait_for<void>(*core, [&](Callback<void> done) { membership->leave(call, std::move(done)); });
}

void Consumer::Impl::end() {
  CallOptions soon;
  soon.timeout_ms = kLeaveMs;
  const Status left = close(soon, core->connected());
  if (!left.ok()) core->log(LogLevel::info, "leaving: " + membership->of_group(left.error()).to_string());
}

Status Consumer::close(CallOptions call) { return impl_->close(call, true); }

Consumer::Consumer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
Consumer::Consumer(Consumer&&) noexcept = default;
Consumer& Consumer::operator=(Consumer&& other) noexcept {
  if (this != &other) {
    if (impl_) impl_->end();
    impl_ = std::move(other.impl_);
  }
  return *this;
}
Consumer::~Consumer() {
  if (impl_) impl_->end();
}

Result<PollResult> Consumer::poll(std::int64_t max_wait_ms) { return impl_->poll(max_wait_ms); }
void Consumer::wake_up() { impl_->wake_up(); }
Contact Consumer::contact() const { return impl_->contact(); }
const std::string& Consumer::topic() const { return impl_->topic; }
const std::vector<PartitionId>& Consumer::partitions() const { return impl_->partitions; }
Status Consumer::seek(PartitionId partition, Offset offset) { return impl_->seek(partition, offset); }

Offset Consumer::position(PartitionId partition) const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->state.position(partition);
}
Offset Consumer::end_offset(PartitionId partition) const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->state.end_offset(partition);
}
Offset Consumer::log_start(PartitionId partition) const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->state.log_start(partition);
}
bool Consumer::at_end() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->has_share && impl_->state.at_end();
}

namespace {

std::vector<GroupOffset> commits_of(const std::string& topic, const std::map<PartitionId, ReadPosition>& positions) {
  std::vector<GroupOffset> commits;
  for (const auto& [partition, position] : positions) {
    GroupOffset commit;
    commit.topic = topic;
    commit.partition = partition;
    commit.offset = position.offset;
    commit.run = position.run;
    commits.push_back(std::move(commit));
  }
  return commits;
}

}  // namespace

Status Consumer::Impl::commit(const std::map<PartitionId, ReadPosition>& next, CallOptions call) {
  if (options.group.empty()) return Error{Errc::invalid_argument, "ConsumerOptions::group is not set"};
  LOGCASK_ASSIGN(const auto member, claim());
  return wait_for<void>(*core, [&](Callback<void> done) {
    commit_offsets(*core, options.group, commits_of(topic, next), member, call, std::move(done));
  });
}

// The positions as committed: a run is known for what was read in the same log, at most up to where it was read.
std::map<PartitionId, ReadPosition> Consumer::Impl::as_read(const std::map<PartitionId, Offset>& next_offsets) const {
  std::map<PartitionId, ReadPosition> next;
  const auto read = positions();
  for (const auto& [partition, offset] : next_offsets) {
    const auto at = read.find(partition);
    next[partition] = {offset, at != read.end() && offset <= at->second.offset ? at->second.run : kNoRun};
  }
  return next;
}

void Consumer::Impl::commit_async(const std::map<PartitionId, ReadPosition>& next, Callback<void> done) {
  if (!done) done = [](const Status&) {};
  if (options.group.empty()) {
    core->post([done] { done(Error{Errc::invalid_argument, "ConsumerOptions::group is not set"}); });
    return;
  }
  const auto member = claim();
  if (!member.ok()) return core->post([done, error = member.error()] { done(error); });
  commit_offsets(*core, options.group, commits_of(topic, next), *member, {}, std::move(done));
}

Status Consumer::commit(CallOptions call) { return impl_->commit(impl_->positions(), call); }

Status Consumer::commit(const std::map<PartitionId, Offset>& next_offsets, CallOptions call) {
  return impl_->commit(impl_->as_read(next_offsets), call);
}

const std::vector<PartitionId>& Consumer::commits_not_used() const { return impl_->commits_not_used; }

void Consumer::commit_async(Callback<void> done) { impl_->commit_async(impl_->positions(), std::move(done)); }

void Consumer::commit_async(const std::map<PartitionId, Offset>& next_offsets, Callback<void> done) {
  impl_->commit_async(impl_->as_read(next_offsets), std::move(done));
}

Result<std::optional<Offset>> Consumer::committed(PartitionId partition, CallOptions call) {
  LOGCASK_ASSIGN(const Committed found,
                 fetch_committed(*impl_->core, impl_->options.group, impl_->topic, {partition}, call));
  const auto at = found.positions.find(partition);
  return at == found.positions.end() ? std::optional<Offset>() : std::optional<Offset>(at->second.offset);
}

}  // namespace logcask::client
