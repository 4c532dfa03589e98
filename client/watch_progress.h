#pragma once
// What a watch has shown of each key, so that it can be taken up again without showing it twice. Sans-I/O.

#include <cstdint>
#include <optional>
#include <vector>

#include "base/types.h"
#include "logcask/table.h"

namespace logcask::client {

class WatchProgress {
 public:
  explicit WatchProgress(std::size_t keys) : keys_(keys) {}

  // False when the event says nothing new: an older or equal offset, or once more that the key is absent.
  bool take(std::size_t key_index, Lookup::Status status, Offset offset);
  // Per key the offset seen last, kNoOffset = nothing yet: what a new subscription starts from.
  std::vector<Offset> last_seen() const;

 private:
  struct Key {
    std::optional<Lookup::Status> status;
    Offset offset = kNoOffset;
  };
  std::vector<Key> keys_;
};

}  // namespace logcask::client
