#pragma once
// What one connection may take, whatever it speaks: one set for all listeners of a broker.
//
// Made once at start, outlives every connection. What connections may take together: wire_memory.h, seats.h.

#include <cstddef>
#include <cstdint>

namespace logcask {

struct ConnectionLimits {
  std::size_t hello_frame_bytes = 64u << 10;  // while the peer has not said who it is
  std::size_t frame_bytes = 8u << 20;
  std::size_t inflight_bytes = 64u << 20;
  std::size_t output_bytes = 32u << 20;
  std::size_t unanswered = 10'000;  // requests being worked on
  std::int64_t hello_timeout_ms = 10'000;
  std::int64_t frame_timeout_ms = 30'000;
  std::int64_t idle_timeout_ms = 600'000;
  std::int64_t write_timeout_ms = 30'000;
};

}  // namespace logcask
