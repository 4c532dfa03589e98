#include "broker/native/requests/keydir_sizing.h"

#include <string>

namespace logcask {

void encode_keydir_use(const KeydirUse& use, v1::KeydirSizing& out) {
  out.set_entries(use.entries);
  out.set_bytes(use.bytes);
  out.set_limit(use.limit);
  out.set_limit_bytes(use.limit_bytes);
  out.set_limit_used_bytes(use.limit_used_bytes);
  out.set_verdict(std::string(sizing::verdict_text(use.verdict)));
  if (use.entries_per_hour) out.set_entries_per_hour(*use.entries_per_hour);
  if (use.limit_entries_per_hour) out.set_limit_entries_per_hour(*use.limit_entries_per_hour);
  if (use.seconds_until_tight) out.set_seconds_until_tight(*use.seconds_until_tight);
  if (use.seconds_until_oom) out.set_seconds_until_oom(*use.seconds_until_oom);
}

}  // namespace logcask
