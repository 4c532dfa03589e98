#pragma once
// What produce means: check the batch, check the topic's rules, hash the keys, append, answer under the ack rule.
//
// Runs on the caller's thread; the partition's answer may come from any thread and is taken to the loop
// once per request. A batch is refused whole or taken whole.

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "broker/services/call_context.h"
#include "partition/append_types.h"

namespace logcask {

struct ProduceEntry {
  std::string_view topic;
  PartitionId partition;
  ByteView batch;
  std::vector<Condition> conditions;
};

// One request's answer. Made by the listener, destroyed on the loop after completed().
class ProduceCall {
 public:
  virtual ~ProduceCall() = default;
  // On the loop, once, possibly before produce() returns. In the order of the entries.
  virtual void completed(std::vector<AppendResult>& results) = 0;
};

class ProduceService {
 public:
  ProduceService(const ServiceParts& parts, std::int64_t default_timeout_ms);

  // `entries` and their bytes need to live only until this returns. timeout_ms 0 = the default. True when a partition
  // asks its producers to slow down.
  bool produce(const CallContext& context, std::span<ProduceEntry> entries, Acks acks, std::int64_t timeout_ms,
               std::unique_ptr<ProduceCall> call);

 private:
  class Request;
  // The checks before the append; fills `prepared` and the runner, which `keep` keeps alive.
  Status prepare(const CallContext& context, ProduceEntry& entry, PreparedBatch& prepared,
                 std::shared_ptr<PartitionRunner>& runner) const;

  const ServiceParts& parts_;
  const std::int64_t default_timeout_ms_;
};

}  // namespace logcask
