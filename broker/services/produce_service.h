#pragma once
// What produce means: check the batch, check the topic's rules, hash the keys, append, answer under the ack rule.
//
// Runs on the caller's thread, but for batches that take long to unpack and check (partition/prepare.h): those, and
// what follows them in the same call, are copied and handled on the executor `slow`. The partition's answer may come
// from any thread and is taken to the loop once per request. A batch is refused whole or taken whole.

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "broker/services/call_context.h"
#include "partition/append_types.h"

namespace logcask {

struct KeyHomes;

struct ProduceEntry {
  std::string_view topic;
  PartitionId partition;
  ByteView batch;
  std::vector<Condition> conditions;
  std::optional<TopicId> topic_id = std::nullopt;  // topic_changed for another one of the name
  bool by_key = false;  // the sender has placed the records by their keys: where they stand counts (key_homes.h)
};

// One request's answer. Made by the listener, destroyed on the loop after completed().
class ProduceCall {
 public:
  virtual ~ProduceCall() = default;
  // On the loop, once, possibly before produce() returns. In the order of the entries.
  virtual void completed(std::vector<AppendResult>& results) = 0;
  // On the loop, within produce(), when batches are handled elsewhere: the caller makes no produce() that must come
  // after this one before the returned function runs, on the loop.
  virtual std::function<void()> hold_later_calls() = 0;
};

class ProduceService {
 public:
  ProduceService(const ServiceParts& parts, std::int64_t default_timeout_ms, Executor& slow);

  // `entries` and their bytes need to live only until this returns. timeout_ms 0 = the default. True when a partition
  // asks its producers to slow down.
  bool produce(const CallContext& context, std::span<ProduceEntry> entries, Acks acks, std::int64_t timeout_ms,
               std::unique_ptr<ProduceCall> call);
  // From now on what waits on `slow` is refused, so that it ends soon. Any thread.
  void stop() { stopping_.store(true, std::memory_order_relaxed); }

 private:
  class Request;
  struct Target;
  struct SlowEntry;
  struct SlowPart;
  Result<Target> find(const CallContext& context, const ProduceEntry& entry) const;
  Result<bool> append(const Target& target, PreparedBatch prepared, Acks acks, Request& request,
                      std::size_t index) const;
  Result<bool> find_homes(const Target& target, const PreparedBatch& prepared, Request& request, std::size_t index,
                          KeyHomes& homes) const;
  Status append_slow(SlowEntry& entry, Acks acks, Request& request) const;
  void run(SlowPart& part) const;

  const ServiceParts& parts_;
  const std::int64_t default_timeout_ms_;
  Executor& slow_;
  std::atomic<bool> stopping_{false};
};

}  // namespace logcask
