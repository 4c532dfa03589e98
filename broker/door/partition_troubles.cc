#include "broker/door/partition_troubles.h"

#include <algorithm>

namespace logcask {

bool PartitionTroubles::disk_full(const std::string& why) {
  const bool news = !full_;
  full_ = why;
  return news;
}

bool PartitionTroubles::disk_has_room() {
  const bool news = full_.has_value();
  full_.reset();
  return news;
}

bool PartitionTroubles::damage(const std::string& where) {
  if (damage_.size() >= kNamedPlaces || std::find(damage_.begin(), damage_.end(), where) != damage_.end()) return false;
  damage_.push_back(where);
  return true;
}

void PartitionTroubles::forget() {
  full_.reset();
  damage_.clear();
}

void PartitionTroubles::list(std::vector<PartitionProblem>& problems) const {
  if (full_) problems.push_back({"storage_full", *full_});
  for (const std::string& where : damage_) problems.push_back({"damaged", where});
}

}  // namespace logcask
