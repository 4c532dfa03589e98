#include "client/replay_progress.h"

#include <algorithm>

namespace logcask::client {

ReplayProgress::News ReplayProgress::take(PartitionId partition, Offset position, bool caught_up,
                                          const std::string& token) {
  Offset& seen = positions_[partition];
  News news{seen, caught_up && caught_up_.insert(partition).second};
  seen = std::max(seen, position);
  if (!token.empty()) token_ = token;
  return news;
}

void ReplayProgress::restart() {
  token_.clear();
  positions_.clear();
  caught_up_.clear();
}

}  // namespace logcask::client
