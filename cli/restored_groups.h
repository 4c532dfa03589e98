#pragma once
// The offsets that consumer groups have committed, out of a backup and into the topics made from it.
//
// A commit names the topic's id and the run its offset was read in. The id becomes the new topic's; the run stays, so a
// commit of a record that the copy does not hold is refused when it is asked for, as any position in another log. What
// groups were (generations, members) is left behind: members join anew. Threads: one at a time.

#include <cstddef>
#include <vector>

#include "base/result.h"
#include "cli/backup_directory.h"
#include "cli/restore_target.h"
#include "cli/topic_restore.h"

namespace logcask::cli {

// Appends what `groups`, the backup's topic of consumer groups, holds of these topics. Returns how many commits.
Result<std::size_t> restore_group_offsets(Directory& backup, const BackupTopic& groups,
                                          const std::vector<TopicRestore>& topics, RestoreTarget& target);

}  // namespace logcask::cli
