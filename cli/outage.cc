#include "cli/outage.h"

#include <utility>

namespace logcask::cli {

std::optional<std::string> Outage::line_for(const client::Contact& contact) {
  if (contact.connected) {
    if (!std::exchange(told_, false)) return std::nullopt;
    return "the broker is there again, after " + std::to_string(lost_for_ms_ / 1000) + " s";
  }
  lost_for_ms_ = contact.lost_for_ms;
  if (told_ || contact.lost_for_ms < kSilentMs) return std::nullopt;
  told_ = true;
  return "no contact with the broker for " + std::to_string(contact.lost_for_ms / 1000) + " s (" +
         contact.trouble.message + "); still trying";
}

}  // namespace logcask::cli
