#pragma once
// A GEN-0 log file that the manifest does not list yet: the active one, or one that was closed just before the end.
// Its .sync says what of it was certain to be on disk; a scan says what is there (docs/FORMAT.md, "Recovery").
// Threads: none.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "partition/manifest.h"
#include "partition/producer_recovery.h"
#include "segment/file.h"
#include "segment/log_state.h"
#include "segment/sync_log.h"

namespace logcask {

struct UnlistedLog {
  explicit UnlistedLog(SegmentName name) : state(name) {}
  LogState state;                         // of everything sound
  std::optional<LogState> state_at_sync;  // of [0, recovery point) when bytes follow it
  SyncEntry sync;                         // the recovery point
  Offset ceiling;                         // no offset at or above has been assigned, says its .sync
  std::uint64_t file_bytes = 0;
  bool torn = false;     // bad bytes above the recovery point
  bool corrupt = false;  // bad bytes below it, or the file is missing
  Offset damaged_from;   // when corrupt
  std::string reason;    // why the sound part ends
};

// What the scan needs to know of the partition.
struct UnlistedLogContext {
  const std::vector<EpochStart>& epochs;
  const std::optional<SyncEntry>& sync;  // the newest entry of its .sync; without one nothing of it is certain
  TimestampMs opened_at;                 // the time of what nobody noted a time for
  ProducerRecovery& producers;           // learns what the log holds
};

// Reads the whole file; changes nothing on disk. Damage is a finding, no error.
Result<UnlistedLog> scan_unlisted_log(Directory& directory, SegmentName name, const UnlistedLogContext& context);

}  // namespace logcask
