#include "broker/door/append_hold.h"

namespace logcask {

void AppendHold::looked(CompactionLook look, std::int64_t now_ns) {
  works_ = look != CompactionLook::barred;
  if (look == CompactionLook::behind)
    hold(now_ns);
  else
    held_ = false;
}

void AppendHold::rolled(bool too_much, std::int64_t now_ns) {
  if (too_much && works_) hold(now_ns);
}

void AppendHold::hold(std::int64_t now_ns) {
  if (held_ || in_vain_) return;
  held_ = true;
  since_ns_ = now_ns;
}

void AppendHold::rewrite_installed(std::int64_t now_ns) {
  in_vain_ = false;
  since_ns_ = now_ns;
}

bool AppendHold::give_up(std::int64_t now_ns) {
  if (!held_ || now_ns - since_ns_ < kHoldNs) return false;
  held_ = false;
  in_vain_ = true;
  return true;
}

}  // namespace logcask
