#pragma once
// What the user is told while there is no contact with the broker: one line after a few seconds, one when it is back.
// A short break, as a restart makes it, is not worth a line.
//
// Fed once a second with how things stand. Threads: one at a time.

#include <cstdint>
#include <optional>
#include <string>

#include "logcask/contact.h"

namespace logcask::cli {

class Outage {
 public:
  static constexpr std::int64_t kSilentMs = 3000;

  // The line to be printed now, if any.
  std::optional<std::string> line_for(const client::Contact& contact);

 private:
  bool told_ = false;
  std::int64_t lost_for_ms_ = 0;
};

}  // namespace logcask::cli
