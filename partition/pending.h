#pragma once
// Pending: the keyed records of a partition that have been appended but are not committed yet, in
// offset order, until they enter the keydir or are dropped.
//
// A bounded queue with an index identity -> newest pending record. The index is built when somebody
// first asks (conditions, read.visibility=written) and forgotten when the queue runs empty, so plain
// produce pays for a ring push only. The ring shrinks when the queue has run empty; trim() frees it.
//
// Owner: a partition. Threads: none, the caller holds the partition's lock.
// Invariant: offsets rise from front to back. Limits: max_entries and max_log_bytes; the caller asks
// full() before it appends a batch (a batch is taken whole, so the queue may pass the limit by one).

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/check.h"
#include "base/key_hash.h"
#include "base/types.h"

namespace logcask {

struct PendingEntry {
  KeyIdentity identity;
  Offset offset;
  std::uint32_t log_bytes = 0;  // of the batch, on its last record; 0 on the others
  std::uint32_t tombstone : 1;
  std::uint32_t creates : 1;  // one keydir entry is reserved for it; release when it leaves
  std::uint32_t back : 30;    // Pending's own: distance to the previous entry of the key, 0 = none

  PendingEntry() : tombstone(0), creates(0), back(0) {}
  PendingEntry(const KeyIdentity& id, Offset at, std::uint32_t bytes, bool is_tombstone, bool does_create)
      : identity(id), offset(at), log_bytes(bytes), tombstone(is_tombstone), creates(does_create), back(0) {}
};
static_assert(sizeof(PendingEntry) == 32);

struct PendingLimits {
  std::size_t max_entries = 262'144;  // 8 MiB of queue
  std::uint64_t max_log_bytes = 64u << 20;
};

class Pending {
 public:
  explicit Pending(PendingLimits limits = {}) : limits_(limits) {}

  void push(const PendingEntry& entry);
  // True when no further batch should be taken until something has been committed.
  bool full() const { return size() >= limits_.max_entries || log_bytes_ >= limits_.max_log_bytes; }
  std::size_t size() const { return tail_ - head_; }
  bool empty() const { return head_ == tail_; }
  std::uint64_t log_bytes() const { return log_bytes_; }
  // Of the front, or beyond every offset.
  Offset oldest() const { return empty() ? Offset(INT64_MAX) : at(head_).offset; }

  // The newest pending record of the key, or null. Valid until the next change.
  const PendingEntry* newest(const KeyIdentity& identity);
  // The next older pending record of the same key, or null. `entry` is from newest() or previous().
  const PendingEntry* previous(const PendingEntry& entry) const;

  // Hands at most `max_entries` entries below `committed_end` to apply(std::span<const PendingEntry>),
  // oldest first, in one or two calls, and removes them. Returns their number.
  template <class Apply>
  std::size_t pop_committed(Offset committed_end, std::size_t max_entries, Apply&& apply) {
    std::size_t popped = 0;
    while (popped < max_entries) {
      const auto run = committed_run(committed_end, max_entries - popped);
      if (run.empty()) break;
      apply(run);
      pop_front(run.size());
      popped += run.size();
    }
    return popped;
  }

  // Truncation: removes the entries at or above `offset`, newest first, each given to dropped(entry).
  template <class Dropped>
  std::size_t drop_from(Offset offset, Dropped&& dropped) {
    std::size_t count = 0;
    while (!empty() && back().offset >= offset) {
      dropped(static_cast<const PendingEntry&>(back()));
      pop_back();
      ++count;
    }
    return count;
  }

  // An idle partition gives the queue's memory back. Does nothing while something is pending.
  void trim();
  std::size_t memory_bytes() const;

 private:
  PendingEntry& at(std::uint64_t sequence) { return ring_[sequence & (ring_.size() - 1)]; }
  const PendingEntry& at(std::uint64_t sequence) const { return ring_[sequence & (ring_.size() - 1)]; }
  const PendingEntry& back() const { return at(tail_ - 1); }
  std::span<const PendingEntry> committed_run(Offset committed_end, std::size_t max_entries) const;
  void pop_front(std::size_t count);
  void pop_back();
  void resize_ring(std::size_t capacity);
  void became_empty();
  void build_index();
  void index_entry(std::uint64_t sequence);

  PendingLimits limits_;
  std::vector<PendingEntry> ring_;  // a power of two, or empty
  std::uint64_t head_ = 0;          // number of the oldest entry; position in the ring = its low bits
  std::uint64_t tail_ = 0;
  std::uint64_t log_bytes_ = 0;
  std::size_t peak_ = 0;              // most entries since the queue was last empty
  std::vector<std::uint64_t> index_;  // open addressing: number + 1 of a key's newest entry; empty = not built
  std::size_t index_used_ = 0;        // cells that are not 0, those of popped entries included
};

}  // namespace logcask
