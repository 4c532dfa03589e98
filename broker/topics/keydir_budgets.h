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
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/types.h"
#include "broker/settings/topic_config.h"
#include "broker/topics/keydir_use.h"
#include "partition/keydir_budget.h"
#include "sizing/growth_window.h"

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
  // invalid_config when keydir.expected.keys needs more of keydir.total.max.bytes than other topics' have left.
  Status fits(const TopicId& id, const TopicConfig& config) const;
  // keydir_budget_exceeded when a topic with so many keys has more than its own limit, or than the total has room for.
  Status has_room(const TopicConfig& config, std::uint64_t keys) const;
  KeydirBudget& of_topic(const TopicId& id, const std::string& name, const TopicConfig& config);
  void set_limit(const TopicId& id, const TopicConfig& config);
  // A topic that is deleted expects nothing any more, and nobody asks how it grows; until that is taken back.
  void set_gone(const TopicId& id, bool gone);

  // Once every keydir is complete: what grows from now on is new keys. To be called about once a second.
  void sample();
  // Of all topics together, and of one; the internal topics' keydirs are nobody's need.
  KeydirUse use() const;
  KeydirUse use(const TopicId& id) const;

  // keydir.entries, keydir.used_bytes, keydir.budget_bytes, keydir.verdict (0 FITS, 1 TIGHT, 2 OOM), and once known
  // keydir.entries_per_hour and keydir.seconds_until_oom.
  void add_numbers(std::vector<std::pair<std::string, double>>& numbers) const;

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
    std::uint64_t expected_keys = 0;                                                          // keydir.expected.keys
    std::unique_ptr<sizing::GrowthWindow> growth = std::make_unique<sizing::GrowthWindow>();  // none: the topic is gone
    OfTopic(std::string name, std::uint64_t limit_bytes, KeydirBudget* total)
        : topic(std::move(name)), budget(limit_bytes, total, "keydir.max.bytes of topic '" + topic + "'") {}
  };
  KeydirUse use_of(const KeydirBudget& asked, const sizing::GrowthWindow& growth) const;
  bool refuses(const KeydirBudget& budget) const;
  std::string problem_of(const KeydirBudget& budget) const;  // empty: none

  const Clock& clock_;
  KeydirBudget total_;
  KeydirBudget internal_;
  mutable std::mutex mutex_;
  sizing::GrowthWindow total_growth_;                   // guarded
  std::map<TopicId, std::unique_ptr<OfTopic>> topics_;  // guarded; kept for good
  std::map<const KeydirBudget*, bool> told_;            // round() only
};

}  // namespace logcask
