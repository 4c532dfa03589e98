#pragma once
// The open requests of one connection: who waits for which correlation id, until when, and what a lost
// connection means for them. Sans-I/O; time is a parameter.
//
// Owned by a connection, guarded by its lock. Handlers are handed out to be called without it.

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "client/outgoing.h"
#include "client/response.h"

namespace logcask::client {

inline constexpr std::int64_t kNoDeadline = std::numeric_limits<std::int64_t>::max();

// What becomes of a request when its connection is lost.
enum class OnLost : std::uint8_t {
  fail_if_sent,  // fails when its bytes had begun to leave, else waits for the next connection
  fail,          // fails in any case: its owner keeps the order of repeats
  resend,        // is sent again: asking twice is harmless
};

struct OpenRequest {
  std::shared_ptr<const Outgoing> message;
  std::shared_ptr<ResponseHandler> handler;
  std::int64_t submitted_ns = 0;
  std::int64_t deadline_ns = kNoDeadline;
  OnLost on_lost = OnLost::fail_if_sent;
  bool stream = false;
  bool sent = false;
};

class RequestTable {
 public:
  using Handlers = std::vector<std::shared_ptr<ResponseHandler>>;

  void add(std::uint64_t id, OpenRequest request);
  bool contains(std::uint64_t id) const { return open_.contains(id); }
  void mark_sent(std::uint64_t id);
  std::size_t size() const { return open_.size(); }

  // Whose answer this is; null when nobody waits (cancelled, expired). The request ends with it unless it is a stream
  // and `last` is false.
  std::shared_ptr<ResponseHandler> match(std::uint64_t id, bool last);
  // Null when it was not open.
  std::shared_ptr<ResponseHandler> remove(std::uint64_t id);

  struct Expired {
    Handlers handlers;
    std::int64_t oldest_sent_ns = kNoDeadline;  // when the oldest of them that had been sent was submitted
  };
  Expired expire(std::int64_t now_ns);
  // Not later than the earliest deadline; kNoDeadline when none. Exact after expire().
  std::int64_t earliest_deadline_ns() const { return earliest_deadline_ns_; }

  struct Lost {
    Handlers failed;                                        // in the order they were submitted
    std::vector<std::shared_ptr<const Outgoing>> requeued;  // likewise
  };
  Lost connection_lost();
  Handlers fail_all();

 private:
  std::unordered_map<std::uint64_t, OpenRequest> open_;
  std::int64_t earliest_deadline_ns_ = kNoDeadline;
};

}  // namespace logcask::client
