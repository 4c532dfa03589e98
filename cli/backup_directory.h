#pragma once
// What a backup is on disk (docs/BACKUP.md): a directory with one file that names everything in it.
//
//   BACKUP                              text: which topics, which partitions, up to which offsets; written last
//   LOCK                                held by the program that writes
//   TOPIC-PARTITION.TOPICID/
//     BASE.GEN.DIGEST.log               a segment; DIGEST is the XXH3-64 of its bytes in 16 hex digits
//     DIGEST.manifest                   the partition's manifest, as docs/FORMAT.md has it
//
// No file is ever changed, so a backup that goes on in the same directory copies what is new and keeps the rest. BACKUP
// is replaced in one rename, once everything it names is on disk; only then what nobody names any more is removed. It
// holds no paths: the names of directories and files are put together from topic names, ids and numbers that have been
// checked. Threads: one at a time.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "broker/settings/topic_config.h"
#include "partition/manifest.h"
#include "segment/file.h"

namespace logcask::cli {

inline constexpr const char* kBackupName = "BACKUP";
inline constexpr const char* kBackupLockName = "LOCK";

struct BackupPartition {
  Offset end;  // of the copy: the next offset to be read
  std::uint64_t bytes = 0;
  std::uint64_t manifest_digest = 0;
  friend bool operator==(const BackupPartition&, const BackupPartition&) = default;
};
struct BackupTopic {
  std::string name;
  TopicId id;
  SettingMap settings;  // those that were set
  TimestampMs created;
  std::vector<BackupPartition> partitions;  // by number
  friend bool operator==(const BackupTopic&, const BackupTopic&) = default;
};
struct BackupContents {
  std::string cluster_id;
  std::string broker_version;
  TimestampMs taken;
  bool whole = false;  // of every topic, those that come later too
  std::vector<BackupTopic> topics;
  friend bool operator==(const BackupContents&, const BackupContents&) = default;
};

std::string encode_backup(const BackupContents& contents);
// corrupt_file for anything that encode_backup would not write; unsupported_version for a newer one.
Result<BackupContents> decode_backup(ByteView bytes);

// Nothing when the directory has no BACKUP. corrupt_file names it.
Result<std::optional<BackupContents>> read_backup(Directory& directory);
// Durable when it returns, and the old one is gone.
Status write_backup(Directory& directory, const BackupContents& contents);

std::string backup_partition_name(const BackupTopic& topic, PartitionId partition);
std::string backup_segment_name(const SegmentFacts& facts);
std::string backup_manifest_name(std::uint64_t digest);

// What a segment's file is called by its name, size left out.
struct BackupSegmentName {
  SegmentName segment;
  std::uint64_t digest = 0;
};
std::optional<BackupSegmentName> parse_backup_segment_name(const std::string& name);
bool is_backup_manifest_name(const std::string& name);

// The manifest that a partition's directory has under this digest; corrupt_file names what does not hold, and so does a
// missing one.
Result<Manifest> read_backup_manifest(Directory& partition, std::uint64_t digest);
// Reads the file from front to back. corrupt_file, with the path, when it is missing or not the bytes it is named
// after.
Status check_backup_segment(Directory& partition, const SegmentFacts& facts);

// Removes the files of backups that `contents` does not name. Nothing that a backup does not call its own is touched.
Status remove_unnamed(Directory& directory, const BackupContents& contents);

}  // namespace logcask::cli
