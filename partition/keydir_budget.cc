#include "partition/keydir_budget.h"

#include "base/check.h"

namespace logcask {
namespace {

std::uint64_t entries_of(std::uint64_t bytes) {
  return bytes == KeydirBudget::kUnlimited ? KeydirBudget::kUnlimited : bytes / kKeydirBytesPerEntry;
}

}  // namespace

KeydirBudget::KeydirBudget(std::uint64_t limit_bytes, KeydirBudget* parent)
    : limit_(entries_of(limit_bytes)), parent_(parent) {}

bool KeydirBudget::try_reserve(std::uint64_t entries) {
  const std::uint64_t before = used_.fetch_add(entries, std::memory_order_relaxed);
  const std::uint64_t limit = limit_.load(std::memory_order_relaxed);
  const bool fits = before <= limit && entries <= limit - before;
  if (fits && (parent_ == nullptr || parent_->try_reserve(entries))) return true;
  used_.fetch_sub(entries, std::memory_order_relaxed);
  return false;
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
