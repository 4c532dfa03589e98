#pragma once
// The directory a broker owns: lock, format version, cluster id, hash secret, and the partitions in it.
//
//   LOCK          held while the broker runs; holds its pid
//   FORMAT        version of everything below; a newer one is refused, an older one is raised before anything else
//                 is written, so that an older build never meets a file that it would misread
//   cluster.id    32 hex digits, made at first start
//   hash.secret   32 bytes; the keydir's identities depend on it (docs/FORMAT.md). Part of every backup.
//   state         how the last run ended, and in which boot of the machine
//   reserve.*     room for what gives room back (segment/disk_reserve.h)
//   <topic>-<partition>.<topic id>/
//
// Threads: open(), set_recovered() and set_clean() once; the partition functions from any thread, one name at a time.
// Nothing here deletes a directory without a deletion marker in it, but for one that was never a topic's.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/key_hash.h"
#include "base/result.h"
#include "base/types.h"
#include "segment/disk_reserve.h"
#include "segment/file.h"

namespace logcask {

inline constexpr int kDataFormatVersion = 2;
// Names that offline tools need too: the lock file, and the marker in a partition's directory that is to be deleted.
inline constexpr const char* kDataLockName = "LOCK";
inline constexpr const char* kDataDeletedName = "DELETED";
// The topic whose records may take all of the disk reserve.
inline constexpr std::string_view kDataMetadataTopic = "__logcask_metadata";

class DataDirectory {
 public:
  struct StartFacts {
    bool first_start = false;
    bool clean_stop = false;  // the last run ended with set_clean()
    bool same_boot = false;   // the machine has not been reset since
  };
  struct PartitionEntry {
    std::string directory_name;
    std::string topic;
    PartitionId partition;
    TopicId topic_id;
    bool deletion_marked = false;
  };

  // in_use when another process (or this one) holds the directory; unsupported_version for a newer format;
  // invalid_argument when it holds something else. `boot_id` changes when the machine restarts. The disk reserve is
  // used as it is found until its owner fills it.
  static Result<std::unique_ptr<DataDirectory>> open(std::shared_ptr<Directory> root, const std::string& boot_id,
                                                     std::int64_t reserve_bytes = 0);

  // For offline tools: what open() would refuse in the broker's own files. Changes nothing, takes no lock.
  static std::vector<Error> check(Directory& root);

  const std::string& cluster_id() const { return cluster_id_; }
  const KeyHasher::Secret& secret() const { return secret_; }
  const StartFacts& start_facts() const { return facts_; }
  // What the last run had not synced is lost, and what it had acknowledged as written may be.
  bool machine_reset() const { return !facts_.first_start && !facts_.clean_stop && !facts_.same_boot; }
  // Things worth a line in the log: a secret that had to be made anew, names that are nobody's.
  const std::vector<std::string>& notes() const { return notes_; }
  Directory& root() { return *root_; }
  DiskReserve& reserve() { return *reserve_; }
  // Every partition has been recovered from a machine reset; until then the next start hears of it too.
  Status set_recovered();
  // Records that this run ended in order.
  Status set_clean();

  // Of a directory's name, nothing when it is no partition's.
  static std::optional<PartitionEntry> parse_partition_directory_name(const std::string& name);
  static std::string partition_directory_name(std::string_view topic, PartitionId partition, const TopicId& id);
  Result<std::vector<PartitionEntry>> list_partitions();
  Result<std::unique_ptr<Directory>> create_partition(const std::string& directory_name);
  // partition_offline when the directory carries the marker: it is garbage that somebody will remove.
  Result<std::unique_ptr<Directory>> open_partition(const std::string& directory_name);
  // From when this returns the directory is garbage, whatever crashes later.
  Status mark_deleted(const std::string& directory_name);
  // Takes the marker back; on failure nobody knows whether it is still there.
  Status unmark_deleted(const std::string& directory_name);
  // Removes a directory that carries the marker; invalid_argument without one.
  Status remove_partition(const std::string& directory_name);
  // Removes a directory that create_partition() made and that never became part of a topic; without a marker when the
  // disk has no room for one.
  Status discard_partition(const std::string& directory_name);
  // The same, never with a marker: that would be the deletion of the whole topic. What a crash in between leaves opens
  // as a new partition.
  Status remove_unmarked_partition(const std::string& directory_name);

 private:
  DataDirectory(std::shared_ptr<Directory> root, std::unique_ptr<DirectoryLock> lock, std::int64_t reserve_bytes);
  Status check_room_for_partition();
  std::unique_ptr<Directory> reserved(const std::string& directory_name, std::unique_ptr<Directory> plain) const;
  Status check_or_create_format();
  Status raise_format();
  Status load_identity();
  Result<bool> carries_marker(const std::string& directory_name);
  Status load_state();
  std::string state_line(bool clean) const;
  Status write_state(bool clean);

  const std::shared_ptr<Directory> root_;
  const std::unique_ptr<DirectoryLock> lock_;
  const std::shared_ptr<DiskReserve> reserve_;
  std::string cluster_id_;
  KeyHasher::Secret secret_{};
  StartFacts facts_;
  std::string boot_id_;
  std::vector<std::string> notes_;
};

}  // namespace logcask
