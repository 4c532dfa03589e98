#pragma once
// One topic of a backup, made anew in a data directory: checked as a whole, then written, then made known.
//
// What is made is a new topic: its own id, and in each partition a new leader epoch behind the last record. So whoever
// comes with what it was told by the topic of before (a replay's token, an offset to compare with, a position beyond
// the copy's end) is told that the topic is another one. Producers of before are not known: their sequence numbers
// begin anew, and none of what they send now is taken for a repeat of what the backup holds. Threads: one at a time.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/backup_directory.h"
#include "cli/restore_target.h"
#include "partition/manifest.h"

namespace logcask::cli {

class TopicRestore {
 public:
  // `told`: bytes that have been read or written.
  TopicRestore(Directory& backup, const BackupTopic& topic, std::string name, std::function<void(std::uint64_t)> told);

  // Reads every file of the topic. Nothing has been written anywhere. corrupt_file names the first that does not hold.
  Status check();
  // The partitions' directories, marked as deleted.
  Status write(RestoreTarget& target);
  Status publish(RestoreTarget& target) { return target.publish(record_); }

  const BackupTopic& from() const { return topic_; }
  const TopicRecord& record() const { return record_; }
  std::uint64_t bytes() const;

 private:
  Result<std::unique_ptr<Directory>> source(PartitionId partition) const;
  Status write_partition(RestoreTarget& target, PartitionId partition);
  static Status make_hints(const RestoreTarget& target, const std::shared_ptr<Directory>& to, const Manifest& manifest);
  Status copy_segment(Directory& from, Directory& to, const SegmentFacts& facts) const;

  Directory& backup_;
  const BackupTopic& topic_;
  const std::function<void(std::uint64_t)> told_;
  TopicRecord record_;
  bool compacted_ = false;
  std::vector<Manifest> manifests_;  // by partition, as check() has read them
};

}  // namespace logcask::cli
