#pragma once
// Sees to it that no broker uses a data directory while it is read, without writing a byte: a backup may be mounted
// read-only, or belong to somebody else.

#include <memory>
#include <string>

#include "base/result.h"
#include "segment/file.h"

namespace logcask::cli {

// Holds the lock file `name` of the directory at `path` for reading; other readers may, too. in_use when a broker holds
// it. Nothing to hold (and no lock) where there is no such file: no broker has ever run there.
Result<std::unique_ptr<DirectoryLock>> lock_for_reading(const std::string& path, const std::string& name);

}  // namespace logcask::cli
