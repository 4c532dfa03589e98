#pragma once
// Files as format 1 had them, for tests of what older versions have left.

#include <string>

#include "base/coding.h"
#include "base/crc32c.h"
#include "partition/manifest.h"
#include "segment/sync_log.h"

namespace logcask::testing {

// What format 1 keeps of an entry.
inline SyncEntry format_1_entry(SyncEntry entry) {
  entry.clock_allowance_ms = kUnknownAllowance;
  entry.clock_ahead_ms = 0;
  entry.log_start = Offset(0);
  entry.run = {};
  return entry;
}

// A .sync whose only entry is this one.
inline std::string format_1_sync_log(const SyncEntry& entry, std::uint64_t sequence, Offset base) {
  std::string slot;
  ByteWriter out(slot);
  out.fixed(std::uint32_t{0x4c435359});
  out.fixed(sequence);
  out.fixed(entry.durable_end.value());
  out.fixed(entry.position);
  out.fixed(entry.digest);
  out.fixed(entry.offset_ceiling.value());
  out.fixed(entry.first_append.value());
  out.fixed(entry.last_append.value());
  char raw[8];
  store_be(raw, base.value());
  out.fixed(crc32c(slot, crc32c(ByteView(raw, sizeof raw))));
  std::string file(64u << 10, '\0');
  file.replace(sequence % 1024 * 64, slot.size(), slot);
  return file;
}

// A manifest without what format 2 has added.
inline std::string format_1_manifest(Manifest manifest) {
  manifest.owner.reset();
  return encode_manifest(manifest);
}

}  // namespace logcask::testing
