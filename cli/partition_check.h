#pragma once
// Reads a partition's directory with no broker running and says what holds and what does not. Changes nothing.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "partition/manifest.h"
#include "segment/file.h"

namespace logcask::cli {

struct Finding {
  enum class Kind {
    note,      // harmless: the broker mends it by itself
    manifest,  // `verify --repair` mends it
    damage,    // bytes that were promised are gone, or are another partition's
    unread,    // cannot be looked at; nothing is known of it and nothing may be made in its place
  };
  Kind kind = Kind::note;
  std::string file;
  std::string what;
};

struct PartitionCheck {
  std::string name;  // of the directory
  std::vector<Finding> findings;
  std::uint64_t segments = 0;
  std::uint64_t records = 0;
  std::uint64_t bytes = 0;
  // What the readable copy says, nothing when there is none.
  std::optional<Manifest> manifest;
  // Damaged ranges the manifest lists though the files hold again (restored from a backup).
  std::vector<DamagedRange> healed;
  // What it would say of files in such ranges, had they been whole when it was written.
  std::vector<SegmentFacts> restored;

  bool has(Finding::Kind kind) const;
};

// Fails only when the directory itself cannot be read. `owner`: whose it is, when its name says so.
Result<PartitionCheck> check_partition(std::shared_ptr<Directory> directory, const std::string& name,
                                       const std::optional<PartitionIdentity>& owner);

}  // namespace logcask::cli
