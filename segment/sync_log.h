#pragma once
// BASE.0.sync: what is certainly on disk. After every completed sync of the log one entry says up to where.
//
// A ring of 1024 slots of 64 bytes in a file of fixed size, written round and round: it never grows (an append-only
// file would reach hundreds of MB beside a log of small synced batches), a slot never crosses a sector, and its sync
// needs no metadata commit. An entry is written only after the log's sync it speaks of, so every entry whose
// CRC holds is true on its own: the reader takes the one with the highest sequence and ignores damaged slots.
// The file itself is synced when told to: after kill -9 the newest entry is exact, after power loss it is as old as
// the last sync() of this file.
//
// Threads: not thread-safe. Errors: io errors of the seam; corrupt_file from the reader when no slot holds.

#include <cstdint>
#include <memory>
#include <optional>

#include "base/result.h"
#include "base/types.h"
#include "segment/file.h"
#include "segment/segment_facts.h"

namespace logcask {

struct SyncEntry {
  // Offsets below are on disk, and so are the log's bytes [0, position), whose digest this is.
  Offset durable_end;
  std::uint64_t position = 0;
  std::uint64_t digest = 0;
  // No offset at or above has ever been assigned when the machine dies now.
  Offset offset_ceiling;
  TimestampMs first_append = kNoTimestamp;
  TimestampMs last_append = kNoTimestamp;
  friend bool operator==(const SyncEntry&, const SyncEntry&) = default;
};

inline constexpr std::size_t kSyncSlots = 1024;
inline constexpr std::size_t kSyncSlotBytes = 64;

class SyncLog {
 public:
  // Creates the file (replacing an existing one) with `first` in it and syncs it; the caller syncs the directory.
  static Result<std::unique_ptr<SyncLog>> create(Directory& directory, Offset base, const SyncEntry& first);
  // Goes on after the newest entry. not_found, corrupt_file as read_sync_log.
  static Result<std::unique_ptr<SyncLog>> resume(Directory& directory, Offset base);

  Status append(const SyncEntry& entry);
  Status sync() { return file_->sync_data(); }
  void rest() { file_->rest(); }
  Status wake() { return file_->wake(); }
  const SyncEntry& newest() const { return newest_; }

 private:
  SyncLog(std::unique_ptr<File> file, Offset base) : file_(std::move(file)), base_(base) {}

  std::unique_ptr<File> file_;
  Offset base_;
  std::uint64_t sequence_ = 0;
  SyncEntry newest_;
};

// The newest entry. not_found: no such file. corrupt_file: not one slot holds (an empty file included).
Result<SyncEntry> read_sync_log(Directory& directory, Offset base);

// The same for whom a missing file and one without a sound slot say nothing: nullopt.
Result<std::optional<SyncEntry>> find_sync_entry(Directory& directory, Offset base);

}  // namespace logcask
