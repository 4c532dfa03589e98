#pragma once
// Error codes of the whole product: storage, broker, wire and client share one table.
//
// The numbers are frozen: they travel on the native wire (docs/PROTOCOL.md, "Errors"). Add at the
// end, never renumber. What a code means and whether a retry may help is data, in errc.cc.

#include <cstdint>
#include <string_view>

#include <logcask/export.h>

namespace logcask {

enum class Errc : std::int32_t {
  ok = 0,
  invalid_argument = 1,
  unknown_topic = 2,
  unknown_partition = 3,
  topic_exists = 4,
  invalid_topic_name = 5,
  invalid_config = 6,
  invalid_record = 7,
  corrupt_message = 8,
  message_too_large = 9,
  offset_out_of_range = 10,
  offset_not_yet = 11,
  condition_failed = 12,
  conflict_pending = 13,
  out_of_order_sequence = 14,
  invalid_producer_epoch = 15,
  unknown_producer_id = 16,
  keydir_budget_exceeded = 17,
  throttled = 18,
  loading = 19,
  corrupt_range = 20,
  storage_full = 21,
  read_only = 22,
  partition_offline = 23,
  tombstone_horizon_passed = 24,
  timed_out = 25,
  cancelled = 26,
  unsupported_version = 27,
  unsupported = 28,
  frame_too_large = 29,
  malformed_frame = 30,
  unknown_request = 31,
  shutting_down = 32,
  not_found = 33,
  io_error = 34,
  corrupt_file = 35,
  already_exists = 36,
  permission_denied = 37,
  in_use = 38,
  unknown_group = 39,
  limit_exceeded = 40,
  expired = 41,
  internal = 42,
  connect_failed = 43,
  connection_lost = 44,
  wrong_partition = 45,
  not_leader = 46,
  stale_token = 47,
  topic_changed = 48,
  foreign_file = 49,
  unknown_member_id = 50,
  illegal_generation = 51,
  rebalance_in_progress = 52,
  member_id_required = 53,
  fenced_instance_id = 54,
  inconsistent_group_protocol = 55,
  invalid_session_timeout = 56,
  group_max_size_reached = 57,
  non_empty_group = 58,
  group_id_not_found = 59,
  invalid_group_id = 60,
  coordinator_loading = 61,
  coordinator_not_available = 62,
  group_subscribed_to_topic = 63,
  commit_metadata_too_large = 64,
  fenced_member_epoch = 65,
  stale_member_epoch = 66,
  unreleased_instance_id = 67,
  unsupported_assignor = 68,
  invalid_regular_expression = 69,
};

// "unknown_topic"; "errc_<n>" is never returned: an unknown number reads as "unknown_error".
LOGCASK_API std::string_view errc_name(Errc code);

// One sentence for docs, --help and logs: what the code means.
LOGCASK_API std::string_view errc_meaning(Errc code);

// True when the same request may succeed later without anybody changing it.
LOGCASK_API bool errc_retriable(Errc code);

// The code for a wire number; Errc::internal for numbers this build does not know.
LOGCASK_API Errc errc_from_wire(std::int32_t number);

// Every code in number order, for generated documentation and tests.
struct ErrcInfo {
  Errc code;
  std::string_view name;
  bool retriable;
  std::string_view meaning;
};
struct ErrcTable {
  const ErrcInfo* begin_ptr;
  const ErrcInfo* end_ptr;
  const ErrcInfo* begin() const { return begin_ptr; }
  const ErrcInfo* end() const { return end_ptr; }
};
LOGCASK_API ErrcTable errc_table();

}  // namespace logcask
