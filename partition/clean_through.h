#pragma once
// Which tombstones may go: the short list of (clean_through C, since when) in the manifest, and what follows from it.
//
// A tombstone at T is due when an entry with C > T is older than delete.retention.ms: at that moment every segment
// below C had already lost all records superseded below C, so nothing older of T's key exists, and everybody who needed
// less than the retention has been able to read T since (KIP-534's clock, counted from when older versions
// went).

#include <span>
#include <vector>

#include "partition/manifest.h"

namespace logcask {

// The largest C such that every segment with a base below C has compacted_through >= C. `active_base` ends the log.
Offset clean_through_of(std::span<const ManifestSegment> segments, Offset active_base);

// Adds {through, now} when it tells more than the list does. Keeps the list short: entries that a later due one covers
// go, and neighbours closer than 1/32 of the retention are joined (to the later time, so nothing goes early).
void note_clean_through(std::vector<CleanThrough>& list, Offset through, TimestampMs now,
                        std::int64_t delete_retention_ms);

// Tombstones below this offset may be dropped now.
Offset due_through(std::span<const CleanThrough> list, TimestampMs now, std::int64_t delete_retention_ms);

}  // namespace logcask
