#pragma once
// What an operator must hear of a partition that goes on serving: a disk without room, damage met while reading.
// Each is news once. Not thread-safe: guarded by the partition's lock.
//
// A full disk is over with the next write that succeeds. Damage stays until the partition is opened again, which
// knows of it by itself (recovery's damaged ranges) or finds it mended.

#include <optional>
#include <string>
#include <vector>

namespace logcask {

struct PartitionProblem {
  std::string kind;  // offline | read_only | damaged | storage_full | compaction_quarantined
  std::string reason;
};

class PartitionTroubles {
 public:
  // All three say whether this is news.
  [[nodiscard]] bool disk_full(const std::string& why);
  [[nodiscard]] bool disk_has_room();
  [[nodiscard]] bool damage(const std::string& where);

  void forget();
  void list(std::vector<PartitionProblem>& problems) const;

 private:
  // `logcask verify` names them all.
  static constexpr std::size_t kNamedPlaces = 16;

  std::optional<std::string> full_;
  std::vector<std::string> damage_;
};

}  // namespace logcask
