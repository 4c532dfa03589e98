#pragma once
// The disk seam: everything storage asks of an operating system, small enough to replace.
//
// segment/posix_file.h is the one real form; tests/support/memory_file_system.h is the one that
// crashes, tears, lies and fills up. Names are single path components relative to a Directory, and a
// Directory is an open handle: renaming or re-creating the path elsewhere never redirects it.
//
// Durability: bytes written are certain to survive a power loss only after sync_data() of that file
// succeeded, and a name (create, rename, unlink) only after sync() of its directory did. A failed
// sync_data says nothing about which bytes are on disk, now or ever: never call it again to find out.
//
// Threads: a File may be read from any thread while one thread writes; write_at, preallocate and truncate of one
// File are the caller's to serialise, and so are its sync_data calls among themselves. A sync_data may overlap a
// write_at: it covers what was written before it began. A Directory is safe from any thread.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/types.h"

namespace logcask {

class File {
 public:
  virtual ~File() = default;

  // Writes all of `bytes` at `position`, growing the file as needed; loops over short writes and EINTR.
  // On failure an unknown part may have been written. storage_full when the disk or a quota is.
  virtual Status write_at(std::uint64_t position, std::span<const ByteView> pieces) = 0;
  Status write_at(std::uint64_t position, ByteView bytes) { return write_at(position, std::span(&bytes, 1)); }
  // Reads until `out` is full or the file ends; returns the bytes read.
  virtual Result<std::size_t> read_at(std::uint64_t position, std::span<char> out) const = 0;
  // Reserves disk blocks for [0, size) without changing what size() says. A no-op where the file system cannot.
  virtual Status preallocate(std::uint64_t size) = 0;
  virtual Status truncate(std::uint64_t size) = 0;
  virtual Status sync_data() = 0;
  virtual Result<std::uint64_t> size() const = 0;
};

// Exclusive hold of a directory by this process; given up on destruction and when the process dies.
class DirectoryLock {
 public:
  virtual ~DirectoryLock() = default;
};

enum class OpenMode {
  read,        // must exist
  read_write,  // must exist
  create_new,  // must not exist; read and write
};

class Directory {
 public:
  struct Entry {
    std::string name;
    bool is_directory = false;
  };

  virtual ~Directory() = default;

  virtual Result<std::unique_ptr<File>> open(const std::string& name, OpenMode mode) = 0;
  virtual Status unlink(const std::string& name) = 0;
  // Within this directory; replaces `to` atomically. Works on files and on (empty or absent target) directories.
  virtual Status rename(const std::string& from, const std::string& to) = 0;
  // Sorted by name, without "." and "..".
  virtual Result<std::vector<Entry>> list() = 0;
  // Makes creations, renames and unlinks done so far in this directory durable.
  virtual Status sync() = 0;

  virtual Result<std::unique_ptr<Directory>> open_directory(const std::string& name) = 0;
  virtual Result<std::unique_ptr<Directory>> create_directory(const std::string& name) = 0;  // already_exists
  virtual Status remove_directory(const std::string& name) = 0;                              // must be empty

  // Takes the lock file `name` (created when missing, holds the owner's pid). in_use names the holder's pid.
  virtual Result<std::unique_ptr<DirectoryLock>> lock(const std::string& name) = 0;
  // Bytes an unprivileged process may still write to this file system.
  virtual Result<std::uint64_t> free_bytes() = 0;
  // For messages only.
  virtual std::string path() const = 0;
};

// Whole-file helpers built on the seam.

// The file's content; corrupt_file when it is larger than `max_bytes`.
Result<std::string> read_file(Directory& directory, const std::string& name, std::uint64_t max_bytes);

// Puts `content` in place of `name` atomically but, unlike replace_file, without a sync: after a power loss the file
// may be missing, empty or torn. For derived files whose checksum is looked at.
Status put_file(Directory& directory, const std::string& name, ByteView content);

// Replaces `name` atomically and durably: writes NAME.tmp, syncs it, renames it over `name`, syncs the directory.
Status replace_file(Directory& directory, const std::string& name, ByteView content);

// The suffix of half-written files; whoever opens a directory may remove them.
inline constexpr std::string_view kTemporarySuffix = ".tmp";

}  // namespace logcask
