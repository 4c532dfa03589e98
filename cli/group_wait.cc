#include "cli/group_wait.h"

#include <utility>

namespace logcask::cli {

std::optional<std::string> GroupWait::line_for(const client::Contact& contact, bool member, std::int64_t now_ms) {
  if (member) {
    refused_since_ms_.reset();
    if (!std::exchange(told_, false)) return std::nullopt;
    return "group '" + group_ + "' has taken this member";
  }
  if (!contact.connected || contact.trouble.code == Errc::ok) {
    refused_since_ms_.reset();
    return std::nullopt;
  }
  if (!refused_since_ms_) refused_since_ms_ = now_ms;
  if (told_ || now_ms - *refused_since_ms_ < kSilentMs) return std::nullopt;
  told_ = true;
  return contact.trouble.to_string() + "; still trying";
}

}  // namespace logcask::cli
