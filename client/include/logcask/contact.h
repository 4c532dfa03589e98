#pragma once
// How things stand between a client and its broker: tells "no news" from "no contact".

#include <cstdint>

#include <logcask/result.h>

namespace logcask::client {

struct [[nodiscard]] Contact {
  bool connected = false;
  std::int64_t silent_ms = -1;   // since anything last came from the broker; -1: nothing ever did
  std::int64_t lost_for_ms = 0;  // how long there has been no connection; 0 while connected
  // Why nothing comes: what the last attempt to connect ran into, or what the broker answers while it lasts (loading,
  // throttled, ...). Errc::ok when all is well.
  Error trouble{Errc::ok, {}};

  bool ok() const { return connected && trouble.code == Errc::ok; }
};

}  // namespace logcask::client
