#pragma once
// Where a group coordinator keeps what must outlive the broker.

#include <functional>
#include <optional>
#include <string>

#include "base/result.h"

namespace logcask {

class GroupStore {
 public:
  virtual ~GroupStore() = default;
  // Writes one record, or without a value its deletion. `done` runs once, on any thread, possibly before this returns,
  // and not before the record is on disk. Must not block. The coordinator has one save of a group under way at a time.
  virtual void save(std::string key, std::optional<std::string> value, std::function<void(Status)> done) = 0;
};

}  // namespace logcask
