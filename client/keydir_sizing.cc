#include "client/keydir_sizing.h"

namespace logcask::client {

KeydirSizing keydir_sizing_of(const v1::KeydirSizing& from) {
  KeydirSizing sizing;
  sizing.entries = from.entries();
  sizing.bytes = from.bytes();
  sizing.limit = from.limit();
  sizing.limit_bytes = from.limit_bytes();
  sizing.limit_used_bytes = from.limit_used_bytes();
  sizing.verdict = from.verdict();
  if (from.has_entries_per_hour()) sizing.entries_per_hour = from.entries_per_hour();
  if (from.has_limit_entries_per_hour()) sizing.limit_entries_per_hour = from.limit_entries_per_hour();
  if (from.has_seconds_until_tight()) sizing.seconds_until_tight = from.seconds_until_tight();
  if (from.has_seconds_until_oom()) sizing.seconds_until_oom = from.seconds_until_oom();
  if (from.has_keys_per_record()) sizing.keys_per_record = from.keys_per_record();
  sizing.note = from.note();
  return sizing;
}

}  // namespace logcask::client
