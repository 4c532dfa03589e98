#pragma once
// Copies one partition of a broker that runs into a backup's directory: what is there already stays, what is new comes
// over the wire, and every file's digest is checked, old ones' too.
//
// A file has its name only once it is whole and on disk. Interrupted anywhere, the next run goes on with what has been
// copied. Threads: one at a time.

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"
#include "cli/backup_directory.h"
#include "logcask/client.h"

namespace logcask::cli {

struct PartitionCopy {
  BackupTopic topic;  // as the broker tells it; without partitions
  std::uint32_t partitions = 0;
  BackupPartition partition;
  std::uint64_t copied_bytes = 0;
  std::uint64_t copied_files = 0;
  std::uint64_t mended_files = 0;  // that were there and did not hold
};

// `link_from`: the broker's data directory, to whose files links are made first (cli/linked_segments.h); empty: none
// are. `told`: bytes that have come.
Result<PartitionCopy> copy_partition(const client::Client& client, Directory& backup, const std::string& topic,
                                     const TopicId& id, PartitionId partition, const std::string& link_from,
                                     const std::function<void(std::uint64_t)>& told);

}  // namespace logcask::cli
