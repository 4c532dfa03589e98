#pragma once
// Where the coordinator of consumer groups keeps what must outlive the broker.

#include <functional>
#include <vector>

#include "base/result.h"
#include "broker/topics/internal_batch.h"

namespace logcask {

class ConsumerGroupStore {
 public:
  virtual ~ConsumerGroupStore() = default;
  // All of them or none. `done` runs once, on any thread, possibly before this returns, and not before the records are
  // on disk. Must not block. The coordinator has one save of a group under way at a time.
  virtual void save_all(std::vector<InternalRecord> records, std::function<void(Status)> done) = 0;
};

}  // namespace logcask
