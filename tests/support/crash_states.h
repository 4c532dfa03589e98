#pragma once
// The disk images a power loss may leave behind, enumerated from a recorded run (ALICE, OSDI 2014).
//
// A run is recorded by a MemoryFileSystem. For every point between two operations the pending effects are those
// issued before it and not settled; a profile says which subsets of them may have landed:
//   prefix   all effects up to one, in the order they were issued, the next write torn at a sector;
//   ordered  per file and per directory a prefix (a journal that writes data before sizes and names), in any
//            combination of them;
//   worst    any subset, writes torn at 512 bytes, growth without data (zeros, rubbish, or what another file of the
//            directory once held there) and directory operations in any order.
// Up to 4 pending effects all subsets are made; beyond, all prefixes, all without one, each one alone, 3 tears of the
// last write and 16 subsets drawn from the seed. At one point each image is made once. Across points the same image
// comes again, because more had been promised by then; where marks alone say what was promised, once_per_mark makes
// each image once for the same number of marks and saves most of the time.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "tests/support/memory_file_system.h"

namespace logcask::testing {

struct MemoryNode;
class MemoryTree;

enum class CrashProfile { prefix, ordered, worst };

struct CrashState {
  // Operations [0, operation_index) had been issued, and this many of them were marks.
  std::size_t operation_index = 0;
  std::size_t marks = 0;
  // For messages: profile, point, which effects landed.
  std::string description;
  // Of the whole tree: names, sizes, bytes. Equal images have equal digests.
  std::uint64_t digest = 0;
  // A fresh, settled file system; recording starts at zero.
  std::unique_ptr<MemoryFileSystem> image;
};

class CrashStates {
 public:
  // Takes a copy of the recorded operations; the run starts from what `recorded` held when its log began.
  CrashStates(const MemoryFileSystem& recorded, CrashProfile profile, std::uint64_t seed, bool once_per_mark = false);
  ~CrashStates();
  CrashStates(CrashStates&&) noexcept;

  // The next state, empty at the end. Those that are not wanted are counted and passed over, which is quick.
  using Wanted = std::function<bool(std::uint64_t digest, std::size_t marks)>;
  std::optional<CrashState> next(const Wanted& wanted = {});
  // States so far, those passed over included: count() - 1 is the number of the last one.
  std::size_t count() const;
  // One state, drawn by the seed, of a power loss right now. Quick: the states before are not made.
  static CrashState random_now(const MemoryFileSystem& recorded, CrashProfile profile, std::uint64_t seed);

 private:
  struct Impl;
  CrashState make(const MemoryTree& tree, std::uint64_t digest, const std::string& what) const;
  std::unique_ptr<Impl> impl_;
};

}  // namespace logcask::testing
