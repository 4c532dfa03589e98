#include "partition/keydir_budget.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/mutant.h"
#include "sizing/quantity.h"

namespace logcask {
namespace {

std::uint64_t entries_of(std::uint64_t bytes) {
  return bytes == KeydirBudget::kUnlimited ? KeydirBudget::kUnlimited : bytes / kKeydirBytesPerEntry;
}

}  // namespace

KeydirBudget::KeydirBudget(std::uint64_t limit_bytes, KeydirBudget* parent, std::string setting)
    : limit_(entries_of(limit_bytes)), parent_(parent), setting_(std::move(setting)) {}

bool KeydirBudget::try_reserve(std::uint64_t entries) {
  const std::uint64_t before = used_.fetch_add(entries, std::memory_order_relaxed);
  const std::uint64_t limit = limit_.load(std::memory_order_relaxed);
  const bool fits = before <= limit && entries <= limit - before;
  if (fits && (parent_ == nullptr || parent_->try_reserve(entries))) return true;
  used_.fetch_sub(entries, std::memory_order_relaxed);
  return false;
}

KeydirBudget& KeydirBudget::refusing(std::uint64_t entries) {
  KeydirBudget* budget = this;
  while (budget->parent_ && !mutant(Mutant::wrong_budget_named)) {
    const std::uint64_t used = budget->used_entries(), limit = budget->limit_entries();
    if (used > limit || entries > limit - used) break;
    budget = budget->parent_;
  }
  return *budget;
}

std::string KeydirBudget::describe() const {
  const std::uint64_t limit = limit_bytes();
  const auto used = static_cast<double>(used_bytes());
  return setting_ + " (" + sizing::short_bytes(limit) + ", " + sizing::bytes_beside(used, limit, 2) + " in use)";
}

void KeydirBudget::note_refused(std::uint64_t records, TimestampMs now) {
  if (refused_records_.fetch_add(records, std::memory_order_relaxed) == 0) refused_since_ms_.store(now.value());
  refused_last_ms_.store(now.value());
}

std::optional<KeydirBudget::Refusals> KeydirBudget::refusals() const {
  const std::uint64_t records = refused_records_.load(std::memory_order_relaxed);
  if (records == 0) return std::nullopt;
  return Refusals{TimestampMs(refused_since_ms_.load()), TimestampMs(refused_last_ms_.load()), records};
}

void KeydirBudget::forget_refusals() { refused_records_.store(0); }

std::uint64_t KeydirBudget::take_ahead(std::uint64_t entries) {
  std::uint64_t ahead = ahead_.load(std::memory_order_relaxed);
  std::uint64_t taken = 0;
  do {
    const std::uint64_t limit = limit_entries();
    taken = std::min(entries, ahead < limit ? limit - ahead : 0);
  } while (!ahead_.compare_exchange_weak(ahead, ahead + taken, std::memory_order_relaxed));
  if (parent_ == nullptr || taken == 0) return taken;
  const std::uint64_t above = parent_->take_ahead(taken);
  ahead_.fetch_sub(taken - above, std::memory_order_relaxed);
  return above;
}

void KeydirBudget::give_back_ahead(std::uint64_t entries) {
  for (KeydirBudget* budget = this; budget != nullptr; budget = budget->parent_)
    budget->ahead_.fetch_sub(entries, std::memory_order_relaxed);
}

void KeydirBudget::charge(std::uint64_t entries) {
  for (KeydirBudget* budget = this; budget != nullptr; budget = budget->parent_)
    budget->used_.fetch_add(entries, std::memory_order_relaxed);
}

void KeydirBudget::release(std::uint64_t entries) {
  for (KeydirBudget* budget = this; budget != nullptr; budget = budget->parent_) {
    const std::uint64_t before = budget->used_.fetch_sub(entries, std::memory_order_relaxed);
    LOGCASK_CHECK(before >= entries);
  }
}

void KeydirBudget::set_limit_bytes(std::uint64_t limit_bytes) {
  limit_.store(entries_of(limit_bytes), std::memory_order_relaxed);
}

std::uint64_t KeydirBudget::limit_bytes() const {
  const std::uint64_t entries = limit_entries();
  return entries == kUnlimited ? kUnlimited : entries * kKeydirBytesPerEntry;
}

}  // namespace logcask
