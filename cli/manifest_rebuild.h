#pragma once
// Makes a manifest from nothing but the log files, for a partition whose two copies are gone.
//
// The log becomes the chain of files that covers the most offsets; among equals the one that compaction has touched
// least (inputs hold everything their outputs hold). Files outside the chain are renamed NAME.aside, never deleted.
// What only the manifest knew is set to its safe side: compacted_through 0, the tombstone horizon behind everything
// compaction has rewritten, append times unknown. Log start is the highest that a sync log tells of. The last file of
// the appender stays unlisted: recovery reads it. Can be interrupted and run again.

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "partition/manifest.h"
#include "segment/file.h"

namespace logcask::cli {

struct RebuildReport {
  Manifest manifest;
  std::vector<std::string> set_aside;
  // What says that log start is where it is, and what nobody can know.
  std::string log_start_proof;
};

// Refuses what it cannot read, and logs of another partition than `owner` (where that is known), and changes nothing.
Result<RebuildReport> rebuild_manifest(std::shared_ptr<Directory> directory,
                                       const std::optional<PartitionIdentity>& owner);

}  // namespace logcask::cli
