#pragma once
// A file system in memory that crashes, tears, lies and fills up: the disk seam's second form.
//
// The fault model, in prose:
//  - What a process reads is the "page cache": every effect so far. What survives a power loss is the durable image
//    plus some of the pending effects; which ones, a CrashStates enumerator chooses (crash_states.h).
//  - File effects: a write (split into 512-byte sectors that land or not; a write beyond the end also grows the
//    file, and the growth may land without the data: the bytes then read as zeros or as old rubbish), a truncate.
//    sync_data() settles the effects of that file, and of no other.
//  - Directory effects: create, rename, unlink, mkdir, rmdir. sync() settles the entries of that directory, and of no
//    other; it settles no data. A file whose creation is not settled may be gone however often its data was synced.
//  - A failed sync_data() settles nothing, and the effects it spoke of are never settled by a later one: like Linux,
//    the pages are clean afterwards and nobody knows what is on disk. A failed sync() of a directory leaves its
//    effects pending: they belong to a journal that either commits them with a later sync or stops for good.
//  - A write that fails may have landed in part (fault kind `short_write`, or when the space ran out).
//  - kill -9 is the state in which every effect has landed.
//  - A file at rest is opened again, which counts as `open`, by the next call.
// Every call is counted and recorded; fail() makes the Nth later one fail. Threads: all calls are safe.

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "segment/file.h"

namespace logcask::testing {

enum class OperationKind : std::uint8_t {
  open,
  create,
  write,
  truncate,
  preallocate,
  sync_data,
  read,
  unlink,
  rename,
  list,
  sync_directory,
  make_directory,
  remove_directory,
  mark,
};
const char* operation_name(OperationKind kind);

// One recorded call. Ids: files and directories are numbered in order of creation; directory 0 is the root.
struct Operation {
  OperationKind kind = OperationKind::mark;
  std::uint64_t node = 0;      // the file, or the directory for entry operations
  std::uint64_t child = 0;     // create, make_directory: the new node
  std::uint64_t position = 0;  // write, truncate (the new size)
  std::string name;            // entry operations; rename: the old name; mark: the tag
  std::string to;              // rename
  std::string data;            // write: what landed in the page cache
  bool failed = false;
};

// What to fail. Counting starts at the call to fail().
struct Fault {
  // Operations that count; empty = every operation that changes something (write, truncate, preallocate, sync_data,
  // create, unlink, rename, sync_directory, make_directory, remove_directory).
  std::vector<OperationKind> kinds;
  // Counts only operations on names that end so ("" = all).
  std::string name_suffix;
  // Counts only operations on paths that contain this ("" = all).
  std::string path_part;
  std::uint64_t nth = 1;     // the first to fail
  bool sticky = false;       // all later ones fail too
  int error_number = 5;      // EIO
  bool short_write = false;  // half of the write's bytes land before it fails
};

class MemoryFileSystem {
 public:
  struct State;
  MemoryFileSystem();
  ~MemoryFileSystem();
  MemoryFileSystem(const MemoryFileSystem&) = delete;
  MemoryFileSystem& operator=(const MemoryFileSystem&) = delete;

  std::shared_ptr<Directory> root() const;

  void fail(const Fault& fault);
  // Successful calls of this kind on names that end so do nothing from now on, as if the caller had forgotten them: a
  // test of the tests plants bugs with it. For sync_data and sync_directory.
  void ignore(OperationKind kind, const std::string& name_suffix);
  // Hears of every read, write and unlink before it is done, and of every sync_data and sync when it has settled what
  // it settles but not returned yet: what others do while the disk is at work. Empty = nobody.
  void meanwhile(std::function<void(OperationKind, const std::string& path)> told);
  void clear_faults();
  // What faults have hit since the last clear_faults().
  struct FaultHit {
    OperationKind kind;
    std::string path;
  };
  std::vector<FaultHit> fault_hits() const;
  // Total of file sizes and reservations allowed from now on; beyond it writes land in part and fail with ENOSPC.
  void set_capacity(std::uint64_t bytes);
  // Number of files and directories allowed from now on; beyond it nothing is created: ENOSPC.
  void set_file_capacity(std::uint64_t files);
  std::uint64_t used_files() const;
  // Takes the directory or file at this path away from under whoever has it open, as `rm -r` would.
  void remove_tree(const std::string& path);
  std::uint64_t used_bytes() const;
  // Every handle fails from now on, as after a crash of the machine.
  void power_off();

  // Puts a tag into the operation log: "acked 17". Crash states carry how many marks came before them.
  void mark(const std::string& tag);
  std::vector<Operation> operations() const;
  std::size_t operation_count() const;
  // Number of calls that changed something since construction: the N of "fail the Nth".
  std::size_t change_count() const;

  // Direct access for damage: the page cache and the durable bytes are changed alike, and set_content starts the
  // operation log anew. Paths: "dir/file".
  std::optional<std::string> content(const std::string& path) const;
  void set_content(const std::string& path, const std::string& content);
  std::vector<std::string> paths() const;
  // Forgets the pending effects' pendingness: everything so far is durable, and the operation log starts anew.
  void settle();
  // An independent, settled copy of what a process sees now.
  std::unique_ptr<MemoryFileSystem> clone() const;

 private:
  friend class CrashStates;
  explicit MemoryFileSystem(std::shared_ptr<State> state);
  std::shared_ptr<State> state_;
};

}  // namespace logcask::testing
