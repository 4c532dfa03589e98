#pragma once
// Segments of a backup as hard links to the broker's own files, where both lie on one file system.
//
// A link is no second copy: what happens to the bytes on the disk happens to both. It keeps what compaction and
// retention remove, and costs no room until they do. The broker never writes to a closed segment, and a backup never to
// a file of its own. Threads: one at a time.

#include <string>

#include "base/result.h"
#include "cli/backup_directory.h"
#include "logcask/client.h"

namespace logcask::cli {

// invalid_argument unless `data` is the data directory of the broker with this cluster id.
Status check_data_directory(const std::string& data, const std::string& cluster_id);

// Links what the partition's log holds now and `backup`, the partition's directory in the backup, does not. What cannot
// be linked one by one is left to whoever copies; invalid_argument when nothing can be, because the file systems
// differ.
Status link_segments(const client::Client& client, const std::string& data, Directory& backup, const BackupTopic& topic,
                     PartitionId partition);

}  // namespace logcask::cli
