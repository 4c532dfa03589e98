#pragma once
// Bounds what closed segments keep open: descriptors and index memory, broker-wide.
//
// Every closed Segment owns a Slot; the cache fills it on first use and empties it again, least recently used first
// (second chance, so that a hit takes no shared lock). Whoever got an OpenSegment keeps it for as long as he holds
// it; the limits count what the slots hold. Safe from any thread.

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <vector>

#include "base/result.h"
#include "segment/file.h"
#include "segment/log_state.h"

namespace logcask {

// A log file with its indexes in memory.
struct OpenSegment {
  std::shared_ptr<const File> file;
  OffsetIndex offset_index;
  TimeIndex time_index;
  std::size_t memory_bytes() const { return offset_index.memory_bytes() + time_index.memory_bytes(); }
};

class FileCache {
 public:
  struct Limits {
    std::size_t open_files = 1024;
    std::size_t index_bytes = 256u << 20;
  };
  class Slot {
   public:
    explicit Slot(std::shared_ptr<FileCache> cache) : cache_(std::move(cache)) {}
    ~Slot();
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;
    // What is open, or what `open` opens now. `open` runs without a lock; of two threads one result is dropped.
    using Opener = std::function<Result<std::shared_ptr<const OpenSegment>>()>;
    Result<std::shared_ptr<const OpenSegment>> get(const Opener& open);

   private:
    friend class FileCache;
    std::shared_ptr<FileCache> cache_;
    std::mutex mutex_;  // taken after the cache's
    std::shared_ptr<const OpenSegment> open_;
    std::atomic<bool> used_{false};
    std::list<Slot*>::iterator at_;  // the cache's mutex
    bool listed_ = false;            // the cache's mutex
    std::size_t bytes_ = 0;          // the cache's mutex
  };

  explicit FileCache(Limits limits) : limits_(limits) {}

  std::size_t open_files() const;
  std::size_t index_bytes() const;

 private:
  std::shared_ptr<const OpenSegment> install(Slot& slot, std::shared_ptr<const OpenSegment> open);
  void forget(Slot& slot);
  void evict(const Slot& keep, std::vector<std::shared_ptr<const OpenSegment>>& dropped);
  std::shared_ptr<const OpenSegment> take(Slot& slot);

  const Limits limits_;
  mutable std::mutex mutex_;
  std::list<Slot*> ring_;  // the front is looked at first
  std::size_t index_bytes_ = 0;
};

}  // namespace logcask
