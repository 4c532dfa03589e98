#pragma once
// BASE.0.sync: what is certainly on disk. After every completed sync of the log one entry says up to where.
//
// A header that names the partition, then a ring of 511 slots of 128 bytes in a file of fixed size, written round and
// round: it never grows (an append-only file would reach hundreds of MB beside a log of small synced batches), a slot
// never crosses a sector, and its sync needs no metadata commit. An entry is written only after the log's sync it
// speaks of, so every entry whose CRC holds is true on its own: the reader takes the one with the highest sequence and
// ignores damaged slots. The CRC covers whose the log is, so an entry of another partition never holds; the header
// says whose it is instead. Format 1 (1024 slots of 64 bytes, no header) is read; whoever goes on in it writes it anew.
// The file itself is synced when told to: after kill -9 the newest entry is exact, after power loss it is as old as
// the last sync() of this file.
//
// Threads: not thread-safe. Errors: io errors of the seam; corrupt_file from the reader when no slot holds;
// foreign_file when the header names another partition.

#include <cstdint>
#include <memory>
#include <optional>

#include "base/result.h"
#include "base/types.h"
#include "segment/append_stamp.h"
#include "segment/file.h"
#include "segment/partition_identity.h"
#include "segment/run_start.h"
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
  // The append clock as of last_append or later; nothing known from format 1.
  std::int64_t clock_allowance_ms = kUnknownAllowance;
  std::int64_t clock_ahead_ms = 0;
  // Of the partition, as far as it was known then: what a manifest that must be made anew begins with.
  Offset log_start;
  // The run that writes here.
  RunStart run;
  friend bool operator==(const SyncEntry&, const SyncEntry&) = default;
};

inline constexpr std::size_t kSyncFileBytes = 64u << 10;
inline constexpr std::size_t kSyncSlotBytes = 128;
inline constexpr std::size_t kSyncSlots = kSyncFileBytes / kSyncSlotBytes - 1;  // the header has the first place

class SyncLog {
 public:
  // Creates the file (replacing an existing one) with `first` in it and syncs it; the caller syncs the directory.
  static Result<std::unique_ptr<SyncLog>> create(Directory& directory, const PartitionIdentity& owner, Offset base,
                                                 const SyncEntry& first);
  // Goes on after the newest entry; one of format 1, or without a sound header, is first replaced by one that names
  // the owner. not_found, corrupt_file, foreign_file as read_sync_log.
  static Result<std::unique_ptr<SyncLog>> resume(Directory& directory, const PartitionIdentity& owner, Offset base);

  Status append(const SyncEntry& entry);
  Status sync() { return file_->sync_data(); }
  void rest() { file_->rest(); }
  Status wake() { return file_->wake(); }
  const SyncEntry& newest() const { return newest_; }

 private:
  SyncLog(std::unique_ptr<File> file, std::uint32_t seed) : file_(std::move(file)), seed_(seed) {}

  std::unique_ptr<File> file_;
  std::uint32_t seed_;  // of the entries' checksums: whose the log is
  std::uint64_t sequence_ = 0;
  SyncEntry newest_;
};

// What a file says of itself and of its log.
struct SyncLogContent {
  // Nobody: format 1, or the header is damaged.
  std::optional<PartitionIdentity> owner;
  bool format_1 = false;
  std::uint64_t sequence = 0;
  SyncEntry newest;
};

// not_found: no such file. corrupt_file: not one slot holds (an empty file included). foreign_file: it names another
// partition than `owner`. Without `owner`, for tools: whose it is stands in its header.
Result<SyncLogContent> read_sync_content(Directory& directory, Offset base,
                                         const std::optional<PartitionIdentity>& owner = std::nullopt);

// The newest entry of it.
Result<SyncEntry> read_sync_log(Directory& directory, Offset base,
                                const std::optional<PartitionIdentity>& owner = std::nullopt);

// The same for whom a missing file and one without a sound slot say nothing: nullopt.
Result<std::optional<SyncLogContent>> find_sync_content(Directory& directory, Offset base,
                                                        const PartitionIdentity& owner);

}  // namespace logcask
