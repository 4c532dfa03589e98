#pragma once
// Everything a native connection may call, and its limits. Outlives every connection.

#include <cstdint>

#include "broker/net/wire_memory.h"
#include "broker/services/admin_service.h"
#include "broker/services/fetch_service.h"
#include "broker/services/groups_service.h"
#include "broker/services/lookup_service.h"
#include "broker/services/offsets_service.h"
#include "broker/services/produce_service.h"
#include "broker/services/producer_id_service.h"
#include "broker/services/replay_service.h"
#include "broker/services/watch_service.h"

namespace logcask {

struct ConnectionLimits {
  std::size_t hello_frame_bytes = 64u << 10;
  std::size_t frame_bytes = 8u << 20;
  std::size_t inflight_bytes = 64u << 20;
  std::size_t output_bytes = 32u << 20;
  std::size_t streams = 64;
  std::size_t unanswered = 10'000;  // requests being worked on
  std::int64_t hello_timeout_ms = 10'000;
  std::int64_t frame_timeout_ms = 30'000;
  std::int64_t idle_timeout_ms = 600'000;
  std::int64_t write_timeout_ms = 30'000;
};

struct NativeServices {
  ProduceService& produce;
  FetchService& fetch;
  OffsetsService& offsets;
  LookupService& lookup;
  WatchService& watch;
  ReplayService& replay;
  GroupsService& groups;
  ProducerIdService& producer_ids;
  AdminService& admin;
  Executor& blocking;  // for calls that wait for the disk
  const Clock& clock;
  WireMemory& memory;
  ConnectionLimits limits;
};

}  // namespace logcask
