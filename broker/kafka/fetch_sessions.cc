#include "broker/kafka/fetch_sessions.h"

#include <algorithm>
#include <climits>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>

#include "base/mutant.h"

namespace logcask {
namespace {

using FetchPlaces = kafka::FetchResponse;

constexpr std::int32_t kNoSession = 0;
constexpr std::int32_t kFirstEpoch = 0;   // asks for a session
constexpr std::int32_t kFinalEpoch = -1;  // ends one, or asks for none
constexpr std::int64_t kUnknownMark = -1;

// As Kafka counts: 0 opens a session, so it comes round to 1.
std::int32_t epoch_after(std::int32_t epoch) { return epoch == INT32_MAX ? 1 : epoch + 1; }

FetchParams params_of(const kafka::FetchRequest::Partition& partition) {
  return {partition.current_leader_epoch, partition.fetch_offset, partition.partition_max_bytes};
}

// A partition by its topic's name or id; the other one of the two is empty.
struct PartitionKey {
  std::string_view topic;
  TopicId topic_id;
  std::int32_t partition = 0;
  bool operator==(const PartitionKey&) const = default;
};

void add_place(FetchPlaces& answer, const PartitionKey& key) {
  if (answer.topics.empty() || answer.topics.back().topic != key.topic ||
      answer.topics.back().topic_id != key.topic_id) {
    FetchPlaces::Topic& topic = answer.topics.emplace_back();
    topic.topic = key.topic;
    topic.topic_id = key.topic_id;
  }
  answer.topics.back().partitions.emplace_back().partition_index = key.partition;
}

// All that the request names.
void put_named(const kafka::FetchRequest& request, FetchPlaces& answer, FetchContext& context) {
  for (const auto& topic : request.topics)
    for (const auto& partition : topic.partitions) {
      add_place(answer, {topic.topic, topic.topic_id, partition.partition});
      context.params.push_back(params_of(partition));
    }
}

std::size_t bytes_of(std::string_view topic) { return FetchSessions::kPartitionBytes + topic.size(); }

}  // namespace

// The partitions that one client reads, and what it knows of each. Its mutex guards all but the first three; whoever
// has it takes no other one.
class FetchSession {
 public:
  struct Partition {
    std::string topic;
    TopicId topic_id;
    std::int32_t partition = 0;
    FetchParams params;
    std::int64_t high_watermark = kUnknownMark;
    std::int64_t log_start = kUnknownMark;
    PartitionKey key() const { return {topic, topic_id, partition}; }
  };

  FetchSession(std::int32_t number, bool names_ids, MemoryShare::Lease lease)
      : id(number), by_id(names_ids), memory_(std::move(lease)) {}
  const std::int32_t id;
  const bool by_id;          // as its requests name topics
  std::int64_t used_ms = 0;  // guarded by the sessions' mutex
  std::mutex mutex;

  std::int32_t epoch() const { return epoch_; }
  void next_epoch() { epoch_ = epoch_after(epoch_); }
  bool empty() const { return partitions_.empty(); }
  std::size_t size() const { return partitions_.size(); }

  // What takes() says beforehand is held already.
  void set(const PartitionKey& key, FetchParams params) {
    if (const auto found = places_.find(key); found != places_.end()) {
      (*found)->params = params;
      return;
    }
    partitions_.push_back({std::string(key.topic), key.topic_id, key.partition, params});
    places_.insert(std::prev(partitions_.end()));
    bytes_ += bytes_of(key.topic);
  }
  void forget(const PartitionKey& key) {
    const auto found = places_.find(key);
    if (found == places_.end()) return;
    const auto place = *found;
    bytes_ -= bytes_of(place->topic);
    places_.erase(found);  // first: its key is the partition's
    partitions_.erase(place);
  }
  // False when there is no memory for the partitions that the request adds.
  bool try_hold(const kafka::FetchRequest& request) {
    std::size_t wanted = bytes_;
    for (const auto& topic : request.topics)
      for (const auto& partition : topic.partitions)
        if (!places_.contains(PartitionKey{topic.topic, topic.topic_id, partition.partition}))
          wanted += bytes_of(topic.topic);
    return wanted <= memory_.bytes() ||
           (wanted <= FetchSessions::kSessionBytes && memory_.grow(wanted - memory_.bytes()));
  }

  void put_all(FetchPlaces& answer, FetchContext& context) const {
    context.params.reserve(partitions_.size());
    for (const Partition& partition : partitions_) {
      add_place(answer, partition.key());
      context.params.push_back(partition.params);
    }
  }

  // Notes what the client is told of each partition, in their order.
  void answer_with_all(const FetchPlaces& answer) {
    auto known = partitions_.begin();
    for (const auto& topic : answer.topics)
      for (const auto& place : topic.partitions) (void)is_news(*known++, place);
  }

  // Leaves out what the client knows. Partitions with records go to the end of the line, so that each has its turn
  // where an answer has not room for all.
  void leave_news(FetchPlaces& answer) {
    Partitions sent;
    auto next = partitions_.begin();
    std::vector<FetchPlaces::Topic> news;
    for (auto& topic : answer.topics) {
      FetchPlaces::Topic left;
      for (auto& place : topic.partitions) {
        const auto known = next++;
        if (!is_news(*known, place)) continue;
        if (!place.records.pieces.empty()) sent.splice(sent.end(), partitions_, known);
        left.partitions.push_back(std::move(place));
      }
      if (left.partitions.empty()) continue;
      left.topic = std::move(topic.topic);
      left.topic_id = topic.topic_id;
      news.push_back(std::move(left));
    }
    answer.topics = std::move(news);
    partitions_.splice(partitions_.end(), sent);
  }

 private:
  using Partitions = std::list<Partition>;  // in the order of reading
  using Place = Partitions::iterator;
  // Of places, by the keys of their partitions.
  struct PlaceHash {
    using is_transparent = void;
    std::size_t operator()(const PartitionKey& key) const {
      const auto* id = reinterpret_cast<const char*>(key.topic_id.bytes.data());
      const std::hash<std::string_view> hash;
      return (hash(key.topic) + hash({id, key.topic_id.bytes.size()})) * 31 + static_cast<std::size_t>(key.partition);
    }
    std::size_t operator()(const Place& place) const { return (*this)(place->key()); }
  };
  struct PlaceEqual {
    using is_transparent = void;
    bool operator()(const Place& a, const Place& b) const { return a == b; }
    bool operator()(const PartitionKey& a, const Place& b) const { return a == b->key(); }
    bool operator()(const Place& a, const PartitionKey& b) const { return a->key() == b; }
  };

  static bool is_news(Partition& known, const FetchPlaces::Partition& place) {
    bool news = !place.records.pieces.empty();
    news |= std::exchange(known.high_watermark, place.high_watermark) != place.high_watermark;
    news |= std::exchange(known.log_start, place.log_start_offset) != place.log_start_offset;
    if (place.error_code == 0) return news;
    // So that it is told when the error has gone.
    if (!mutant(Mutant::fetch_error_not_forgotten)) known.high_watermark = kUnknownMark;
    return true;
  }

  MemoryShare::Lease memory_;
  std::size_t bytes_ = 0;
  std::int32_t epoch_ = epoch_after(kFirstEpoch);
  Partitions partitions_;
  std::unordered_set<Place, PlaceHash, PlaceEqual> places_;
};

FetchSessions::FetchSessions(const Clock& clock, Limits limits)
    : clock_(clock), limits_(limits), memory_(limits.bytes), random_(std::random_device()()) {}

FetchSessions::~FetchSessions() = default;

FetchContext FetchSessions::begin(const kafka::FetchRequest& request, bool by_id, FetchPlaces& answer) {
  if (request.session_epoch != kFirstEpoch && request.session_epoch != kFinalEpoch)
    return go_on(request, by_id, answer);
  if (request.session_id != kNoSession) remove(request.session_id);
  FetchContext context;
  put_named(request, answer, context);
  context.opens = request.session_epoch == kFirstEpoch && limits_.sessions > 0;
  context.by_id = by_id;
  return context;
}

FetchContext FetchSessions::go_on(const kafka::FetchRequest& request, bool by_id, FetchPlaces& answer) {
  FetchContext context;
  const auto session = find(request.session_id);
  if (!session) {
    context.error = kafka::ErrorCode::fetch_session_id_not_found;
    return context;
  }
  context.by_id = by_id;
  bool over = false;
  {
    const std::lock_guard lock(session->mutex);
    if (session->epoch() != request.session_epoch && !mutant(Mutant::fetch_epoch_unchecked)) {
      context.error = kafka::ErrorCode::invalid_fetch_session_epoch;
      return context;
    }
    if (session->by_id != by_id && !mutant(Mutant::session_takes_ids_for_names)) {
      context.error = kafka::ErrorCode::fetch_session_topic_id_error;
      return context;
    }
    if (!session->try_hold(request)) {
      context.error = kafka::ErrorCode::fetch_session_id_not_found;
      over = true;
    } else {
      for (const auto& topic : request.topics)
        for (const auto& partition : topic.partitions)
          session->set({topic.topic, topic.topic_id, partition.partition}, params_of(partition));
      for (const auto& topic : request.forgotten_topics)
        for (const std::int32_t partition : topic.partitions) session->forget({topic.topic, topic.topic_id, partition});
      session->next_epoch();
      over = session->empty();
      session->put_all(answer, context);
      if (!over) context.session = session;
      context.epoch = session->epoch();
    }
  }
  if (over) remove(session->id);
  return context;
}

void FetchSessions::finish(FetchContext& context, FetchPlaces& answer) {
  if (context.opens) return open(context, answer);
  if (!context.session) return;
  FetchSession& session = *context.session;
  answer.session_id = session.id;
  const std::lock_guard lock(session.mutex);
  if (session.epoch() != context.epoch) {
    // Another request has come in between, and its answer counts.
    answer.topics.clear();
    answer.error_code = static_cast<std::int16_t>(kafka::ErrorCode::invalid_fetch_session_epoch);
    return;
  }
  session.leave_news(answer);
}

void FetchSessions::open(FetchContext& context, FetchPlaces& answer) {
  std::size_t bytes = 0;
  for (const auto& topic : answer.topics) bytes += topic.partitions.size() * bytes_of(topic.topic);
  if (bytes == 0) return;  // nothing to go on with
  if (bytes > kSessionBytes) return;
  MemoryShare::Lease lease = room_for(bytes);
  if (!lease) return;
  const std::lock_guard lock(mutex_);
  if (places_.size() >= limits_.sessions && !remove_unused()) return;
  std::uniform_int_distribution<std::int32_t> any(1, INT32_MAX);
  std::int32_t id = any(random_);
  while (places_.contains(id)) id = any(random_);
  const auto session = std::make_shared<FetchSession>(id, context.by_id, std::move(lease));
  auto params = context.params.begin();
  for (const auto& topic : answer.topics)
    for (const auto& place : topic.partitions)
      session->set({topic.topic, topic.topic_id, place.partition_index}, *params++);
  if (session->size() < context.params.size()) return;  // a partition is named twice
  session->answer_with_all(answer);
  session->used_ms = clock_.monotonic_ns() / 1'000'000;
  places_.emplace(id, used_.insert(used_.end(), session));
  answer.session_id = id;
}

std::shared_ptr<FetchSession> FetchSessions::find(std::int32_t id) {
  const std::lock_guard lock(mutex_);
  const auto found = places_.find(id);
  if (found == places_.end()) return nullptr;
  used_.splice(used_.end(), used_, found->second);
  (*found->second)->used_ms = clock_.monotonic_ns() / 1'000'000;
  return *found->second;
}

void FetchSessions::remove(std::int32_t id) {
  std::shared_ptr<FetchSession> ended;  // after the lock has been released
  const std::lock_guard lock(mutex_);
  const auto found = places_.find(id);
  if (found == places_.end()) return;
  ended = std::move(*found->second);
  used_.erase(found->second);
  places_.erase(found);
}

bool FetchSessions::remove_unused() {
  if (used_.empty()) return false;
  const FetchSession& oldest = *used_.front();
  if (clock_.monotonic_ns() / 1'000'000 - oldest.used_ms <= limits_.unused_ms) return false;
  places_.erase(oldest.id);
  used_.pop_front();
  return true;
}

MemoryShare::Lease FetchSessions::room_for(std::size_t bytes) {
  if (bytes > limits_.bytes) return {};
  while (true) {
    if (MemoryShare::Lease lease = memory_.try_take(bytes)) return lease;
    const std::lock_guard lock(mutex_);
    if (!remove_unused()) return {};
  }
}

std::size_t FetchSessions::sessions() const {
  const std::lock_guard lock(mutex_);
  return places_.size();
}

}  // namespace logcask
