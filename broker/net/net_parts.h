#pragma once
// What the listeners of a broker and all their connections share. Outlives every connection.

#include "broker/metrics.h"
#include "broker/net/limits.h"
#include "broker/net/seats.h"
#include "broker/net/wire_memory.h"
#include "broker/threads/blocking_turn.h"

namespace logcask {

struct NetParts {
  const ConnectionLimits limits;
  WireMemory& memory;
  Seats& seats;
  Metrics& metrics;
  BlockingTurns& turns;  // and where connections go
};

}  // namespace logcask
