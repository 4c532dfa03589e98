#include "partition/pending.h"

#include <bit>

namespace logcask {
namespace {

constexpr std::size_t kSmallestRing = 64;
constexpr std::size_t kSmallestIndex = 64;
constexpr std::size_t kLargestRing = std::size_t{1} << 29;  // PendingEntry::back has 30 bits

}  // namespace

void Pending::push(const PendingEntry& entry) {
  LOGCASK_CHECK(empty() || entry.offset > back().offset);
  if (size() == ring_.size()) resize_ring(std::max(kSmallestRing, ring_.size() * 2));
  at(tail_) = entry;
  at(tail_).back = 0;
  ++tail_;
  log_bytes_ += entry.log_bytes;
  peak_ = std::max(peak_, size());
  if (!index_.empty()) index_entry(tail_ - 1);
}

const PendingEntry* Pending::newest(const KeyIdentity& identity) {
  if (empty()) return nullptr;
  if (index_.empty()) build_index();
  const std::size_t mask = index_.size() - 1;
  for (std::size_t i = identity.low & mask; index_[i] != 0; i = (i + 1) & mask) {
    const std::uint64_t number = index_[i] - 1;
    if (number >= head_ && at(number).identity == identity) return &at(number);
  }
  return nullptr;
}

const PendingEntry* Pending::previous(const PendingEntry& entry) const {
  if (entry.back == 0) return nullptr;
  const auto position = static_cast<std::uint64_t>(&entry - ring_.data());
  const std::uint64_t number = head_ + ((position - head_) & (ring_.size() - 1));
  return number - head_ >= entry.back ? &at(number - entry.back) : nullptr;  // else popped since
}

std::span<const PendingEntry> Pending::committed_run(Offset committed_end, std::size_t max_entries) const {
  if (empty()) return {};
  const std::size_t first = head_ & (ring_.size() - 1);
  const std::size_t contiguous = std::min({size(), max_entries, ring_.size() - first});
  const std::span<const PendingEntry> run(ring_.data() + first, contiguous);
  const auto end = std::partition_point(
      run.begin(), run.end(), [committed_end](const PendingEntry& entry) { return entry.offset < committed_end; });
  return run.first(static_cast<std::size_t>(end - run.begin()));
}

void Pending::pop_front(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) log_bytes_ -= at(head_ + i).log_bytes;
  head_ += count;
  if (empty()) became_empty();
}

void Pending::pop_back() {
  --tail_;
  log_bytes_ -= at(tail_).log_bytes;
  index_.clear();  // truncation is rare: who asks next builds it anew
  if (empty()) became_empty();
}

// A burst's memory goes with the next smaller one; steady traffic keeps its ring.
void Pending::became_empty() {
  index_.clear();
  if (index_.capacity() > 4 * peak_ + kSmallestIndex) index_.shrink_to_fit();
  if (ring_.size() > std::max(kSmallestRing, 4 * peak_)) {
    head_ = tail_ = 0;
    ring_ = std::vector<PendingEntry>(ring_.size() / 2);
  }
  peak_ = 0;
}

void Pending::trim() {
  if (!empty()) return;
  ring_ = std::vector<PendingEntry>();  // `= {}` would keep the memory
  index_ = std::vector<std::uint64_t>();
}

std::size_t Pending::memory_bytes() const {
  return ring_.capacity() * sizeof(ring_[0]) + index_.capacity() * sizeof(index_[0]);
}

void Pending::resize_ring(std::size_t capacity) {
  LOGCASK_CHECK(capacity <= kLargestRing && std::has_single_bit(capacity));
  std::vector<PendingEntry> ring(capacity);
  for (std::uint64_t number = head_; number < tail_; ++number) ring[number & (capacity - 1)] = at(number);
  ring_ = std::move(ring);
}

void Pending::build_index() {
  index_.assign(std::max(kSmallestIndex, std::bit_ceil(size() * 2)), 0);
  index_used_ = 0;
  for (std::uint64_t number = head_; number < tail_; ++number) {
    at(number).back = 0;
    index_entry(number);
  }
}

// Makes entry `number` the newest of its key. Cells of popped entries are taken over.
void Pending::index_entry(std::uint64_t number) {
  if (index_used_ >= index_.size() / 4 * 3) return build_index();  // which also indexes this one
  const std::size_t mask = index_.size() - 1;
  PendingEntry& entry = at(number);
  std::uint64_t* reusable = nullptr;
  std::size_t i = entry.identity.low & mask;
  for (; index_[i] != 0; i = (i + 1) & mask) {
    const std::uint64_t other = index_[i] - 1;
    if (other < head_) {
      if (reusable == nullptr) reusable = &index_[i];
    } else if (at(other).identity == entry.identity) {
      entry.back = static_cast<std::uint32_t>(number - other) & ((1u << 30) - 1);
      index_[i] = number + 1;
      return;
    }
  }
  if (reusable == nullptr) ++index_used_;
  *(reusable != nullptr ? reusable : &index_[i]) = number + 1;
}

}  // namespace logcask
