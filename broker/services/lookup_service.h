#pragma once
// What Get means: the latest record of each key, from the partition its key belongs to, or from all of them.
//
// A lookup of a few keys is answered on the caller's thread before get() returns. A long one goes on in slices, others
// of its loop in between, and its keys are charged to the call's memory; one that would ask more than kQuestionsMax
// times (a key in a partition) is refused. With min_offsets it waits until the partition shows that offset; an offset
// that has not been given out yet is refused at once.
// One partition that is still loading makes the whole answer `loading`: absent could not be told from unknown.

#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "broker/services/call_context.h"
#include "proto/lookup_codec.h"

namespace logcask {

class LookupCall {
 public:
  virtual ~LookupCall() = default;
  // In the order of the keys; views live during the call only. What came before an error counts for nothing.
  virtual void result(const LookupResult& result) = 0;
  // False when further results would be of no use.
  virtual bool wants_more() const { return true; }
  // On the loop, once, possibly before get() returns.
  virtual void completed(Status status) = 0;

  // For the lookup: result(), counted.
  void give(const LookupResult& one) {
    found_ += one.status == LookupStatus::found;
    result(one);
  }
  std::size_t found() const { return found_; }

 private:
  std::size_t found_ = 0;
};

struct LookupOptions {
  PartitionId partition{-1};  // -1: as the topic's partitioner says
  std::vector<std::pair<PartitionId, Offset>> min_offsets;
  std::optional<TopicId> topic_id = std::nullopt;  // topic_changed for another one of the name
  std::int64_t timeout_ms = 0;                     // 0 = the broker's default
  bool keys_only = false;
};

class LookupService {
 public:
  // Keys x partitions of one lookup; only with partitioner `any` is every partition asked.
  static constexpr std::size_t kQuestionsMax = std::size_t{1} << 24;

  LookupService(const ServiceParts& parts, std::int64_t default_timeout_ms);

  // Null when it has been answered. The keys' bytes need to live only until this returns.
  std::shared_ptr<OpenCall> get(const CallContext& context, std::string_view topic, std::span<const ByteView> keys,
                                LookupOptions options, std::unique_ptr<LookupCall> call);

 private:
  class Open;
  Result<TopicPtr> check(const CallContext& context, std::string_view topic, std::size_t keys,
                         const LookupOptions& options) const;
  void finish(LookupCall& call, Status status, std::int64_t started_ns, std::size_t keys);

  const ServiceParts& parts_;
  const std::int64_t default_timeout_ms_;
};

// Prefix and range lookups are asked for; this is the answer and the reason.
Error prefix_lookup_unsupported();

}  // namespace logcask
