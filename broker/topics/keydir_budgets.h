#pragma once
// The budgets of all keydirs: one of the broker, one below it per topic, and one without limit for the broker's own
// topics. They outlive the partitions, so a topic's stays when the topic is deleted.
//
// Threads: any; round() on one at a time.

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/types.h"
#include "broker/settings/topic_config.h"
#include "partition/keydir_budget.h"

namespace logcask {

class KeydirBudgets {
 public:
  KeydirBudgets(std::int64_t total_max_bytes, const Clock& clock)
      : clock_(clock),
        total_(static_cast<std::uint64_t>(total_max_bytes), nullptr, "keydir.total.max.bytes"),
        internal_(KeydirBudget::kUnlimited, nullptr, "") {}

  // keydir.total.max.bytes, for keys created from now on.
  void set_total_max_bytes(std::int64_t bytes) { total_.set_limit_bytes(static_cast<std::uint64_t>(bytes)); }
  KeydirBudget& internal() { return internal_; }
  // invalid_config when keydir.expected.keys needs more than keydir.total.max.bytes allows to all topics together.
  Status fits(const TopicConfig& config) const;
  KeydirBudget& of_topic(const TopicId& id, const std::string& name, const TopicConfig& config);
  void set_limit(const TopicId& id, const TopicConfig& config);

  // A budget that refuses records, or that more is in use of than it allows.
  struct Problem {
    std::string topic;  // empty: the broker's
    std::string reason;
  };
  std::vector<Problem> problems() const;
  // A line for each budget that has begun or ceased to be a problem since the last round.
  void round(const std::function<void(const std::string&)>& note, const std::function<void(const std::string&)>& alarm);

 private:
  struct OfTopic {
    std::string topic;
    KeydirBudget budget;
    OfTopic(std::string name, std::uint64_t limit_bytes, KeydirBudget* total)
        : topic(std::move(name)), budget(limit_bytes, total, "keydir.max.bytes of topic '" + topic + "'") {}
  };
  std::string problem_of(const KeydirBudget& budget) const;  // empty: none

  const Clock& clock_;
  KeydirBudget total_;
  KeydirBudget internal_;
  mutable std::mutex mutex_;
  std::map<TopicId, std::unique_ptr<OfTopic>> topics_;  // guarded; kept for good
  std::map<const KeydirBudget*, bool> told_;            // round() only
};

}  // namespace logcask
