#pragma once
// The flags that load programs of a wire have in common.

#include <cstdint>
#include <string>

#include "bench/flags.h"

namespace logcask::bench {

struct WireLoad {
  std::string mode, broker, topic, acks;
  std::uint64_t records = 0, value_bytes = 0, batch_bytes = 0;
};

// The caller asks for flags of its own, and then whether that was all.
WireLoad read_wire_load(Flags& flags);

}  // namespace logcask::bench
