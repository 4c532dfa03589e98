#pragma once
// The disk seam: everything storage asks of an operating system, small enough to replace.
//
// segment/posix_file.h is the one real form; tests/support/memory_file_system.h is the one that
// crashes, tears, lies and fills up; partition/reserved_directory.h stands before either of them. Names are single path
// components relative to a Directory. The directory that a path was opened as is an open handle: renaming or
// re-creating the path elsewhere never redirects it. Those inside it are found under it by name.
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
  // A sync_data() will follow: the system may begin to write. Promises nothing.
  virtual void sync_soon() {}
  virtual Result<std::uint64_t> size() const = 0;

  // False once the name that the file was opened by is gone: what is written then goes with the last descriptor.
  virtual Result<bool> linked() const { return true; }
  // Nobody is expected to use the file soon: gives the descriptor back where the next call can open it again by itself.
  // Only when everything written has been synced. Nobody writes or syncs meanwhile; reads may be under way.
  virtual void rest() {}
  // Opens again what rests; the next calls need no descriptor any more. limit_exceeded when there is none, io_error
  // when the name leads to another file by now.
  virtual Status wake() { return {}; }
};

// What is left of a file system to an unprivileged process. UINT64_MAX where the system does not count.
struct DiskSpace {
  std::uint64_t total_bytes = 0;
  std::uint64_t free_bytes = 0;
  std::uint64_t free_files = UINT64_MAX;
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
  virtual Result<DiskSpace> space() = 0;
  // Bytes that may still be written to this file system.
  Result<std::uint64_t> free_bytes() {
    LOGCASK_ASSIGN(const DiskSpace left, space());
    return left.free_bytes;
  }
  // False when the directory was removed, or when path() leads to another one (or nowhere) by now.
  virtual Result<bool> in_place() { return true; }
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

// The same for several files, which appear in their order but not at once. Costs little more than one of them.
struct NamedContent {
  std::string name;
  std::string content;
};
Status replace_files(Directory& directory, std::span<const NamedContent> files);

// The suffix of half-written files; whoever opens a directory may remove them.
inline constexpr std::string_view kTemporarySuffix = ".tmp";

}  // namespace logcask
