#pragma once
// Everything the native protocol may call, and its limits. Outlives every connection.

#include <cstddef>

#include "broker/net/limits.h"
#include "broker/net/wire_memory.h"
#include "broker/services/admin_service.h"
#include "broker/services/backup_service.h"
#include "broker/services/fetch_service.h"
#include "broker/services/group_admin.h"
#include "broker/services/group_coordinator.h"
#include "broker/services/lookup_service.h"
#include "broker/services/offsets_service.h"
#include "broker/services/produce_service.h"
#include "broker/services/producer_id_service.h"
#include "broker/services/replay_service.h"
#include "broker/services/watch_service.h"

namespace logcask {

// What the native protocol limits beside what every connection is held to.
struct NativeLimits {
  std::size_t streams = 64;  // open calls of a connection
};

struct NativeServices {
  ProduceService& produce;
  FetchService& fetch;
  OffsetsService& offsets;
  LookupService& lookup;
  WatchService& watch;
  ReplayService& replay;
  BackupService& backup;
  GroupsService& groups;
  GroupAdmin& group_admin;
  GroupCoordinator& coordinator;
  ProducerIdService& producer_ids;
  AdminService& admin;
  Executor& blocking;  // for calls that wait for the disk
  const Clock& clock;
  WireMemory& memory;
  const ConnectionLimits& limits;
  NativeLimits native_limits;
};

}  // namespace logcask
