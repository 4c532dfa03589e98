#pragma once
// The manifest in memory and on disk, and the one place where it changes: one step at a time.
//
// Whoever changes which files are the log (a checkpoint after a roll, a compaction's install, retention) holds the step
// for the whole of it: decide, store the manifest, then publish in memory under the partition's lock. So the structure
// never changes between a decision and its step. Appends and reads never wait for a step.
// Threads: any. The mutex is taken before the partition's lock, never while holding it.

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/result.h"
#include "partition/manifest.h"
#include "segment/file.h"

namespace logcask {

class LogStructure {
 public:
  LogStructure(std::shared_ptr<Directory> directory, Manifest manifest)
      : directory_(std::move(directory)), manifest_(std::move(manifest)) {}

  // Held for the time of one change.
  class Step {
   public:
    explicit Step(LogStructure& structure) : structure_(structure), lock_(structure.mutex_) {}
    const Manifest& manifest() const { return structure_.manifest_; }
    // Both copies say the same. Inputs of a step may be unlinked only then.
    bool both_copies() const { return structure_.second_copy_.ok(); }
    // False once a step has failed with read_only: nobody knows which manifest is on disk.
    bool settled() const { return !structure_.uncertain_; }
    // Applies `change` to a copy and makes it durable. On error the manifest is as before, except with read_only: then
    // it is unknown which one is on disk, no further step succeeds, and no file may be removed until recovery has
    // looked.
    Status store(const std::function<void(Manifest&)>& change);

   private:
    LogStructure& structure_;
    std::unique_lock<std::mutex> lock_;
  };

 private:
  const std::shared_ptr<Directory> directory_;
  std::mutex mutex_;
  Manifest manifest_;
  std::optional<Error> uncertain_;
  Status second_copy_;
};

}  // namespace logcask
