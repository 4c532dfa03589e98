#pragma once
// What an operator must hear of a partition that goes on serving: a disk without room, damage met while reading.
// Each is news once. Not thread-safe: guarded by the partition's lock.
//
// A full disk is over with the next write that succeeds. Damage stays until the same place is read again without an
// error: a disk that failed once is no damage.

#include <optional>
#include <string>
#include <vector>

#include "base/types.h"

namespace logcask {

struct PartitionProblem {
  // offline | read_only | damaged | storage_full | compaction_quarantined | clock_ahead; of the whole broker:
  // disk_low | disk_reserve | data_directory_gone | keydir_full | groups_unreadable
  std::string kind;
  std::string reason;
};

class PartitionTroubles {
 public:
  // A read that met damage, to be tried again.
  struct Read {
    Offset from;
    std::size_t max_bytes = 1;
    friend bool operator==(const Read&, const Read&) = default;
  };

  // All three say whether this is news.
  [[nodiscard]] bool disk_full(const std::string& why);
  [[nodiscard]] bool disk_has_room();
  [[nodiscard]] bool damage(const std::string& where, const Read& read);
  // The same read has found nothing wrong; what it had met.
  std::vector<std::string> mended(const Read& read);
  std::vector<Read> damaged_reads() const;

  void forget();
  void list(std::vector<PartitionProblem>& problems) const;

 private:
  // `logcask verify` names them all.
  static constexpr std::size_t kNamedPlaces = 16;

  std::optional<std::string> full_;
  struct Damage {
    std::string where;
    Read read;
  };
  std::vector<Damage> damage_;
};

}  // namespace logcask
