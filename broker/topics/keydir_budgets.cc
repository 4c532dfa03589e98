#include "broker/topics/keydir_budgets.h"

#include <ctime>
#include <tuple>

#include "sizing/figures.h"
#include "sizing/quantity.h"

namespace logcask {
namespace {

// Refusals are a problem for so long after the last one, and for as long as there is hardly any room.
constexpr std::int64_t kRefusalsFreshMs = 60'000;
constexpr std::uint64_t kHardlyAnyShare = 64;

std::uint64_t keydir_limit_bytes(const TopicConfig& config) {
  return config.keydir_max_bytes == kUnlimited ? KeydirBudget::kUnlimited
                                               : static_cast<std::uint64_t>(config.keydir_max_bytes);
}

double fullness(const KeydirUse& use) {
  return use.limit_bytes > 0 ? static_cast<double>(use.limit_used_bytes) / static_cast<double>(use.limit_bytes) : 1;
}

std::string utc_text(TimestampMs time) {
  const std::time_t seconds = static_cast<std::time_t>(time.value() / 1000);
  std::tm parts{};
  char text[32];
  if (!::gmtime_r(&seconds, &parts) || std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0) return "?";
  return text;
}

}  // namespace

Status KeydirBudgets::fits(const TopicId& id, const TopicConfig& config) const {
  if (config.keydir_expected_keys == 0) return {};
  std::uint64_t others = 0;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [other, of_topic] : topics_)
      if (other != id && of_topic->growth) others += of_topic->expected_keys;
  }
  const std::uint64_t limit = total_.limit_entries();
  if (others <= limit && static_cast<std::uint64_t>(config.keydir_expected_keys) <= limit - others) return {};
  return expected_keys_refusal(config.keydir_expected_keys, "keydir.total.max.bytes", total_.limit_bytes(), others);
}

Status KeydirBudgets::has_room(const TopicConfig& config, std::uint64_t keys) const {
  const std::string need = "about " + std::to_string(keys) + " keys need " +
                           sizing::decimal_bytes(static_cast<double>(keys * kKeydirBytesPerEntry), 2) +
                           " of RAM, more than ";
  const KeydirBudget own(keydir_limit_bytes(config));
  if (keys > own.limit_entries())
    return Error{Errc::keydir_budget_exceeded,
                 need + "keydir.max.bytes (" + sizing::short_bytes(own.limit_bytes()) + ")"};
  const std::uint64_t limit = total_.limit_entries();
  const std::uint64_t free = limit - std::min(limit, total_.claimed_entries());
  if (keys > free)
    return Error{Errc::keydir_budget_exceeded, need + "is left of " + total_.describe() + "; raise it, or make room"};
  return {};
}

KeydirBudget& KeydirBudgets::of_topic(const TopicId& id, const std::string& name, const TopicConfig& config) {
  const std::lock_guard lock(mutex_);
  auto& of_topic = topics_[id];
  if (!of_topic) of_topic = std::make_unique<OfTopic>(name, keydir_limit_bytes(config), &total_);
  of_topic->expected_keys = static_cast<std::uint64_t>(config.keydir_expected_keys);
  return of_topic->budget;
}

void KeydirBudgets::set_limit(const TopicId& id, const TopicConfig& config) {
  const std::lock_guard lock(mutex_);
  const auto found = topics_.find(id);
  if (found == topics_.end()) return;
  found->second->budget.set_limit_bytes(keydir_limit_bytes(config));
  found->second->expected_keys = static_cast<std::uint64_t>(config.keydir_expected_keys);
}

void KeydirBudgets::set_gone(const TopicId& id, bool gone) {
  const std::lock_guard lock(mutex_);
  const auto found = topics_.find(id);
  if (found == topics_.end() || !found->second->growth == gone) return;
  found->second->growth = gone ? nullptr : std::make_unique<sizing::GrowthWindow>();
}

void KeydirBudgets::sample() {
  const std::int64_t now_ms = clock_.monotonic_ns() / 1'000'000;
  const std::lock_guard lock(mutex_);
  total_growth_.add(now_ms, total_.used_entries());
  for (const auto& [id, of_topic] : topics_)
    if (of_topic->growth) of_topic->growth->add(now_ms, of_topic->budget.used_entries());
}

KeydirUse KeydirBudgets::use() const {
  const std::lock_guard lock(mutex_);
  return use_of(total_, total_growth_);
}

KeydirUse KeydirBudgets::use(const TopicId& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = topics_.find(id);
  if (found == topics_.end() || !found->second->growth) return {};
  const KeydirBudget& budget = found->second->budget;
  KeydirUse use = use_of(budget, *found->second->growth);
  const KeydirUse of_all = use_of(total_, total_growth_);
  // Its own limit counts when it is the nearer one.
  if (budget.limit_bytes() != KeydirBudget::kUnlimited && fullness(use) >= fullness(of_all)) return use;
  const auto [entries, bytes, rate] = std::tuple(use.entries, use.bytes, use.entries_per_hour);
  use = of_all;
  use.entries = entries;
  use.bytes = bytes;
  use.entries_per_hour = rate;
  return use;
}

void KeydirBudgets::add_numbers(std::vector<std::pair<std::string, double>>& numbers) const {
  const KeydirUse of_all = use();
  numbers.emplace_back("keydir.entries", static_cast<double>(of_all.entries));
  numbers.emplace_back("keydir.used_bytes", static_cast<double>(of_all.bytes));
  numbers.emplace_back("keydir.budget_bytes", static_cast<double>(of_all.limit_bytes));
  numbers.emplace_back("keydir.verdict", static_cast<double>(of_all.verdict));
  if (of_all.entries_per_hour) numbers.emplace_back("keydir.entries_per_hour", *of_all.entries_per_hour);
  if (of_all.seconds_until_oom) numbers.emplace_back("keydir.seconds_until_oom", *of_all.seconds_until_oom);
}

KeydirUse KeydirBudgets::use_of(const KeydirBudget& asked, const sizing::GrowthWindow& growth) const {
  KeydirUse use;
  use.entries = asked.used_entries();
  use.bytes = use.limit_used_bytes = asked.claimed_entries() * kKeydirBytesPerEntry;
  use.limit = &asked == &total_ ? sizing::kNodeLimit : sizing::kTopicLimit;
  use.limit_bytes = asked.limit_bytes();
  const auto used = static_cast<double>(use.bytes), limit = static_cast<double>(use.limit_bytes);
  // A budget refuses at its limit, not above it.
  use.verdict = refuses(asked) ? sizing::Verdict::oom : sizing::verdict(used, limit);
  use.entries_per_hour = use.limit_entries_per_hour = growth.per_hour(clock_.monotonic_ns() / 1'000'000, use.entries);
  if (!use.entries_per_hour) return use;
  const double bytes_per_hour = *use.limit_entries_per_hour * static_cast<double>(kKeydirBytesPerEntry);
  use.seconds_until_tight = sizing::seconds_until(used, limit * sizing::kTightShare, bytes_per_hour);
  use.seconds_until_oom = sizing::seconds_until(used, limit, bytes_per_hour);
  return use;
}

bool KeydirBudgets::refuses(const KeydirBudget& budget) const {
  const auto refusals = budget.refusals();
  const std::uint64_t used = budget.used_entries(), limit = budget.limit_entries();
  const bool over = used > limit;
  const bool full = used >= limit - limit / kHardlyAnyShare;
  const bool fresh = refusals && clock_.wall_ms().value() - refusals->last.value() < kRefusalsFreshMs;
  return over || (refusals && (full || fresh));
}

std::string KeydirBudgets::problem_of(const KeydirBudget& budget) const {
  if (!refuses(budget)) return {};
  const auto refusals = budget.refusals();
  std::string text = budget.describe() + ": records that would create keys are refused";
  if (refusals)
    text += ", " + std::to_string(refusals->records) + " since " + utc_text(refusals->since) + ", the last at " +
            utc_text(refusals->last);
  return text + "; raise it, or delete keys and let compaction drop their tombstones";
}

std::vector<KeydirBudgets::Problem> KeydirBudgets::problems() const {
  std::vector<Problem> problems;
  const auto add = [&](const std::string& topic, const KeydirBudget& budget) {
    if (std::string reason = problem_of(budget); !reason.empty()) problems.push_back({topic, std::move(reason)});
  };
  add("", total_);
  const std::lock_guard lock(mutex_);
  for (const auto& [id, of_topic] : topics_) add(of_topic->topic, of_topic->budget);
  return problems;
}

void KeydirBudgets::round(const std::function<void(const std::string&)>& note,
                          const std::function<void(const std::string&)>& alarm) {
  std::vector<KeydirBudget*> budgets{&total_};
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [id, of_topic] : topics_) budgets.push_back(&of_topic->budget);
  }
  for (KeydirBudget* budget : budgets) {
    const std::string problem = problem_of(*budget);
    bool& told = told_[budget];
    if (!problem.empty() && !told) alarm(problem);
    if (problem.empty() && told) note(budget->describe() + ": there is room for new keys again");
    told = !problem.empty();
    // The next refusal begins anew.
    if (problem.empty()) budget->forget_refusals();
  }
}

}  // namespace logcask
