#pragma once
// What the user is told while a group takes no members though the broker is there: one line after a few seconds, with
// the reason, and one when it is over. Without contact it is cli/outage.h that speaks.
//
// Fed with how things stand, several times a second. Threads: one at a time.

#include <cstdint>
#include <optional>
#include <string>

#include "logcask/contact.h"

namespace logcask::cli {

class GroupWait {
 public:
  static constexpr std::int64_t kSilentMs = 3000;

  explicit GroupWait(std::string group) : group_(std::move(group)) {}

  // The line to be printed now, if any. `member`: the group has taken it.
  std::optional<std::string> line_for(const client::Contact& contact, bool member, std::int64_t now_ms);

 private:
  const std::string group_;
  std::optional<std::int64_t> refused_since_ms_;
  bool told_ = false;
};

}  // namespace logcask::cli
