#include "segment/file_cache.h"

#include <utility>
#include <vector>

namespace logcask {

FileCache::Slot::~Slot() { cache_->forget(*this); }

Result<std::shared_ptr<const OpenSegment>> FileCache::Slot::get(const Opener& open) {
  {
    const std::lock_guard lock(mutex_);
    if (open_) {
      used_.store(true, std::memory_order_relaxed);
      return open_;
    }
  }
  LOGCASK_ASSIGN(auto opened, open());
  return cache_->install(*this, std::move(opened));
}

std::shared_ptr<const OpenSegment> FileCache::install(Slot& slot, std::shared_ptr<const OpenSegment> open) {
  std::vector<std::shared_ptr<const OpenSegment>> dropped;  // closed after the lock
  const std::lock_guard lock(mutex_);
  {
    const std::lock_guard slot_lock(slot.mutex_);
    slot.used_.store(true, std::memory_order_relaxed);
    if (slot.open_) return slot.open_;
    slot.open_ = open;
  }
  slot.bytes_ = open->memory_bytes();
  slot.at_ = ring_.insert(ring_.end(), &slot);
  slot.listed_ = true;
  index_bytes_ += slot.bytes_;
  evict(slot, dropped);
  return open;
}

void FileCache::evict(const Slot& keep, std::vector<std::shared_ptr<const OpenSegment>>& dropped) {
  // Twice round at most: the first time takes the second chances away.
  for (std::size_t looks = 2 * ring_.size(); looks > 0; --looks) {
    if (ring_.size() <= limits_.open_files && index_bytes_ <= limits_.index_bytes) return;
    Slot& slot = *ring_.front();
    if (&slot == &keep || slot.used_.exchange(false, std::memory_order_relaxed)) {
      ring_.splice(ring_.end(), ring_, ring_.begin());
      continue;
    }
    dropped.push_back(take(slot));
  }
}

std::shared_ptr<const OpenSegment> FileCache::take(Slot& slot) {
  ring_.erase(slot.at_);
  slot.listed_ = false;
  index_bytes_ -= slot.bytes_;
  const std::lock_guard slot_lock(slot.mutex_);
  return std::exchange(slot.open_, nullptr);
}

void FileCache::forget(Slot& slot) {
  std::shared_ptr<const OpenSegment> dropped;
  const std::lock_guard lock(mutex_);
  if (slot.listed_) dropped = take(slot);
}

std::size_t FileCache::open_files() const {
  const std::lock_guard lock(mutex_);
  return ring_.size();
}

std::size_t FileCache::index_bytes() const {
  const std::lock_guard lock(mutex_);
  return index_bytes_;
}

}  // namespace logcask
