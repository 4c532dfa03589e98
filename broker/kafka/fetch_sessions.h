#pragma once
// Fetch sessions (KIP-227): the broker keeps which partitions a client reads, so that a fetch names only what has
// changed since, and its answer only what is new.
//
// A request is taken with begin(), which says what to read, and answered after finish(), which leaves out what the
// client knows already. A session belongs to whoever names its id, on any connection. It is given up for another one
// when nobody has used it for a while; where there is no room a client gets none, and reads as if there were no
// sessions. Who names one that is gone is told FETCH_SESSION_ID_NOT_FOUND and begins anew: nothing is lost.
//
// Requests name topics by their names or, in newer versions, by their ids; a session goes on as it began, and who comes
// with the other is told FETCH_SESSION_TOPIC_ID_ERROR. Whether there is such a topic is not asked here.
//
// Any thread; a context belongs to its request. Outlives every context.

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <random>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "broker/net/memory_share.h"
#include "proto/kafka/error_code.h"
#include "proto/kafka/fetch.h"

namespace logcask {

// How one partition is read.
struct FetchParams {
  std::int32_t leader_epoch = -1;
  std::int64_t offset = 0;
  std::int32_t max_bytes = 0;
};

class FetchSession;

// One request on its way through. A value.
struct FetchContext {
  kafka::ErrorCode error = kafka::ErrorCode::none;  // the whole answer, when there is one
  std::vector<FetchParams> params;                  // of the answer's partitions, in their order
  bool opens = false;                               // a session, with the answer
  bool by_id = false;                               // as the request names topics
  std::shared_ptr<FetchSession> session;            // that the request goes on with
  std::int32_t epoch = 0;                           // of the session, unless another request comes in between
};

class FetchSessions {
 public:
  struct Limits {
    std::size_t sessions = 1000;
    std::size_t bytes = 16u << 20;  // of all together
    std::int64_t unused_ms = 120'000;
  };
  // What a partition of a session takes, with its topic's id, and beside its topic's name.
  static constexpr std::size_t kPartitionBytes = 192;
  // Most of one session, some 10,000 partitions: each fetch walks over all of them on an I/O thread, however small it
  // is.
  static constexpr std::size_t kSessionBytes = 2u << 20;

  FetchSessions(const Clock& clock, Limits limits);
  ~FetchSessions();

  // Puts into `answer` a place for each partition that is to be read, and its parameters into the context. `by_id`: the
  // request names topics by their ids.
  FetchContext begin(const kafka::FetchRequest& request, bool by_id, kafka::FetchResponse& answer);
  // `answer` is that of begin(), filled. Afterwards it is what the client gets.
  void finish(FetchContext& context, kafka::FetchResponse& answer);

  std::size_t sessions() const;
  std::size_t bytes() const { return memory_.used(); }

 private:
  using Used = std::list<std::shared_ptr<FetchSession>>;  // the one used longest ago first
  FetchContext go_on(const kafka::FetchRequest& request, bool by_id, kafka::FetchResponse& answer);
  void open(FetchContext& context, kafka::FetchResponse& answer);
  std::shared_ptr<FetchSession> find(std::int32_t id);
  void remove(std::int32_t id);
  // One that nobody has used for a while. False when there is none.
  bool remove_unused();
  MemoryShare::Lease room_for(std::size_t bytes);

  const Clock& clock_;
  const Limits limits_;
  MemoryShare memory_;
  mutable std::mutex mutex_;
  Used used_;                                                // guarded, and so the next two
  std::unordered_map<std::int32_t, Used::iterator> places_;  // by id
  std::mt19937 random_;
};

}  // namespace logcask
