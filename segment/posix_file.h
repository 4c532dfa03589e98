#pragma once
// The disk seam over POSIX: openat, pread, pwritev, fdatasync, fallocate, renameat and OFD locks.
//
// The only place of storage that sees errno. Descriptors are close-on-exec; a name never follows a symbolic link;
// short transfers and EINTR are handled here. Error messages name the operation and the path.
// A lock is one of the directory itself (flock), which holds though the lock file is removed, and an
// open-file-description lock of that file. Both exclude a second holder inside this process, too, and end with it.

#include <memory>
#include <string>

#include "segment/file.h"

namespace logcask {

// `path` must exist and be a directory. limit_exceeded when descriptors ran out.
Result<std::unique_ptr<Directory>> open_posix_directory(const std::string& path);

// Creates `path` and missing parents (mode 0750), syncing each parent that gained an entry, then opens it.
Result<std::unique_ptr<Directory>> create_posix_directory(const std::string& path);

}  // namespace logcask
