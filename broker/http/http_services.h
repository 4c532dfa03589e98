#pragma once
// Everything that HTTP requests may call, and its limits. Outlives every connection.

#include <atomic>
#include <string>
#include <vector>

#include "broker/net/limits.h"
#include "broker/net/wire_memory.h"
#include "broker/services/admin_service.h"
#include "broker/services/key_writer.h"
#include "broker/services/lookup_service.h"
#include "broker/services/replay_service.h"
#include "broker/services/watch_service.h"
#include "broker/threads/executor.h"

namespace logcask {

struct HttpSettings {
  std::vector<std::string> allowed_hosts;  // names, beside addresses and localhost; lower case, without port
};

// `allowed_hosts` separated by commas.
HttpSettings make_http_settings(std::string_view allowed_hosts);

struct HttpServices {
  LookupService& lookup;
  WatchService& watch;
  ReplayService& replay;
  KeyWriter& writer;
  AdminService& admin;
  Executor& blocking;  // for calls that wait for the disk
  WireMemory& memory;
  const ConnectionLimits& limits;
  const HttpSettings settings;
};

}  // namespace logcask
