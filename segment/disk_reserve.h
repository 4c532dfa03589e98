#pragma once
// Room on the disk that is kept for what gives room back: files with blocks and inodes of their own that nobody reads.
//
// On a full disk deleting needs room first: a manifest, a deletion marker, a record of a deleted topic, the output of a
// compaction. Free space that is only counted may be taken by another process, so this is kept in files,
// `reserve.BYTES.N` in the data directory, which release() unlinks when the file system has refused. Who may ask for it
// is decided in partition/reserved_directory.h; records of clients may not, and are refused from the first release
// until fill() has made the reserve whole again, so that they do not take what was released.
//
// The files are derived: whoever removes one takes room from the reserve until the next fill(). Where the file system
// cannot reserve blocks, they keep inodes only.
// Threads: any.

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "segment/file.h"

namespace logcask {

class DiskReserve {
 public:
  // One inode each.
  static constexpr std::size_t kFiles = 64;
  // The default: a sixteenth of the file system, at most 64 MiB.
  static constexpr std::int64_t kBySize = -1;

  // How much of the whole stays for those with more need.
  enum class Keep : std::uint8_t { nothing, a_quarter, half };

  // Finds out what is there and changes nothing. `bytes` is rounded up to whole blocks for each file; 0: no reserve.
  DiskReserve(std::shared_ptr<Directory> directory, std::int64_t bytes);

  // Lets go of one file or, when that is more, of as many as hold `bytes`. False when none is left beside what is kept.
  bool release(std::uint64_t bytes, Keep keep);
  // Makes what is missing, as far as there is room; storage_full when that is not all.
  Status fill();

  // Something was released, or could not be made: nobody else may take room.
  bool is_short() const { return short_.load(std::memory_order_relaxed); }
  std::uint64_t whole_bytes() const { return file_bytes_ * files_; }
  std::size_t whole_files() const { return files_; }
  std::uint64_t held_bytes() const { return available_bytes(Keep::nothing); }
  std::uint64_t available_bytes(Keep keep) const;
  // What refused records hear.
  Error refusal(const std::string& path) const;

 private:
  std::string name_of(std::size_t index) const;
  std::size_t available(Keep keep) const;  // under the lock
  Status make(std::size_t index);

  const std::shared_ptr<Directory> directory_;
  std::size_t files_ = 0;
  std::uint64_t file_bytes_ = 0;
  std::vector<std::string> foreign_;  // of another size, from before a change of the setting
  std::atomic<bool> short_{false};
  mutable std::mutex mutex_;
  std::vector<bool> held_;  // guarded
  std::size_t held_count_ = 0;
};

}  // namespace logcask
