#pragma once
// Calls that are counted and timed as requests of a service.

#include "broker/services/call_context.h"

namespace logcask {

// Runs `work`, which returns a Result or a Status, on the caller's thread.
template <class Work>
auto counted(const ServiceParts& parts, ServiceName service, const Work& work) {
  const std::int64_t started_ns = parts.clock.monotonic_ns();
  auto result = work();
  parts.metrics.service(service).finished(started_ns, parts.clock.monotonic_ns(), result.ok());
  return result;
}

}  // namespace logcask
