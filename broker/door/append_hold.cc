#include "broker/door/append_hold.h"

namespace logcask {

void AppendHold::looked(CompactionLook look, std::int64_t now_ns) {
  looked_ = true;
  works_ = look == CompactionLook::due || look == CompactionLook::behind;
  if (look == CompactionLook::behind)
    hold(now_ns);
  else
    held_ = false;
}

void AppendHold::hold(std::int64_t now_ns) {
  if (held_ || in_vain_) return;
  held_ = true;
  since_ns_ = now_ns;
}

void AppendHold::rewrite_installed(std::int64_t now_ns) {
  in_vain_ = false;
  works_ = looked_;
  since_ns_ = now_ns;
}

bool AppendHold::give_up(std::int64_t now_ns) {
  if (!held_ || now_ns - since_ns_ < kHoldNs) return false;
  held_ = false;
  in_vain_ = true;
  return true;
}

}  // namespace logcask
