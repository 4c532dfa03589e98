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

bool PartitionTroubles::damage(const std::string& where, const Read& read) {
  const bool known = std::any_of(damage_.begin(), damage_.end(), [&](const Damage& d) { return d.where == where; });
  if (known || damage_.size() >= kNamedPlaces) return false;
  damage_.push_back({where, read});
  return true;
}

std::vector<std::string> PartitionTroubles::mended(const Read& read) {
  std::vector<std::string> places;
  std::erase_if(damage_, [&](const Damage& d) {
    if (d.read == read) places.push_back(d.where);
    return d.read == read;
  });
  return places;
}

std::vector<PartitionTroubles::Read> PartitionTroubles::damaged_reads() const {
  std::vector<Read> reads;
  for (const Damage& damage : damage_)
    if (std::find(reads.begin(), reads.end(), damage.read) == reads.end()) reads.push_back(damage.read);
  return reads;
}

void PartitionTroubles::forget() {
  full_.reset();
  damage_.clear();
}

void PartitionTroubles::list(std::vector<PartitionProblem>& problems) const {
  if (full_) problems.push_back({"storage_full", *full_});
  for (const Damage& damage : damage_) problems.push_back({"damaged", damage.where});
}

}  // namespace logcask
