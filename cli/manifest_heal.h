#pragma once
// Takes damage out of a manifest that files restored from a backup have healed.

#include <memory>

#include "base/result.h"
#include "cli/partition_check.h"
#include "partition/manifest.h"
#include "segment/file.h"

namespace logcask::cli {

// `manifest` is what `check` has found in `directory`; it is not stored here. Hints and indexes stay: they are made of
// whole files only, so none lacks what has come back.
Status forget_healed(const std::shared_ptr<Directory>& directory, const PartitionCheck& check, Manifest& manifest);

}  // namespace logcask::cli
