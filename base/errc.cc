#include "base/errc.h"

#include <iterator>

namespace logcask {
namespace {

constexpr ErrcInfo kErrcTable[] = {
    {Errc::ok, "ok", false, "The request succeeded."},
    {Errc::invalid_argument, "invalid_argument", false, "A field of the request is missing or out of its range."},
    {Errc::unknown_topic, "unknown_topic", false, "No topic of that name exists."},
    {Errc::unknown_partition, "unknown_partition", false, "The topic has no partition of that number."},
    {Errc::topic_exists, "topic_exists", false, "A topic of that name exists already."},
    {Errc::invalid_topic_name, "invalid_topic_name", false,
     "Topic names are 1 to 200 of [A-Za-z0-9._-], not '.' or '..'; a leading '__' is reserved."},
    {Errc::invalid_config, "invalid_config", false, "A setting is unknown, of the wrong type or out of its range."},
    {Errc::invalid_record, "invalid_record", false,
     "The broker refuses a record of the batch; nothing of the batch was written."},
    {Errc::corrupt_message, "corrupt_message", true, "The produced batch does not match its checksum."},
    {Errc::message_too_large, "message_too_large", false, "The batch is larger than max.message.bytes."},
    {Errc::offset_out_of_range, "offset_out_of_range", false,
     "The offset lies below the log start offset or above the end of the log."},
    {Errc::offset_not_yet, "offset_not_yet", true, "The offset asked for has not been assigned yet."},
    {Errc::condition_failed, "condition_failed", false,
     "A condition of the batch does not hold; nothing was written. The answer carries the current offset."},
    {Errc::conflict_pending, "conflict_pending", true,
     "The condition meets a record of an open transaction; ask again when it has ended."},
    {Errc::out_of_order_sequence, "out_of_order_sequence", false,
     "The batch's sequence number does not follow the producer's last one."},
    {Errc::invalid_producer_epoch, "invalid_producer_epoch", false, "A newer instance of this producer exists."},
    {Errc::unknown_producer_id, "unknown_producer_id", false, "The broker does not know this producer id."},
    {Errc::keydir_budget_exceeded, "keydir_budget_exceeded", false,
     "The batch would create keys beyond the keydir budget; overwrites and deletes of known keys pass."},
    {Errc::throttled, "throttled", true, "Too much is waiting for the disk; the batch was not taken."},
    {Errc::loading, "loading", true, "The partition's keydir is still being loaded."},
    {Errc::corrupt_range, "corrupt_range", false,
     "The record lies in or below a damaged range of the log; 'logcask verify' names it."},
    {Errc::storage_full, "storage_full", true, "The disk is full; the batch was not taken."},
    {Errc::read_only, "read_only", false,
     "The partition stopped taking writes after a disk error; 'logcask reopen' checks and reopens it."},
    {Errc::partition_offline, "partition_offline", false,
     "The partition could not be opened; 'logcask health' says why."},
    {Errc::tombstone_horizon_passed, "tombstone_horizon_passed", false,
     "Deletes below the position have been cleaned away since; start a new snapshot."},
    {Errc::timed_out, "timed_out", true, "The deadline passed before the answer was ready."},
    {Errc::cancelled, "cancelled", false, "The request was cancelled."},
    {Errc::unsupported_version, "unsupported_version", false, "Client and broker share no protocol version."},
    {Errc::unsupported, "unsupported", false, "The broker cannot do this, and the message says why."},
    {Errc::frame_too_large, "frame_too_large", false, "The frame is larger than the broker accepts."},
    {Errc::malformed_frame, "malformed_frame", false, "The bytes are not a frame of the protocol."},
    {Errc::unknown_request, "unknown_request", false, "This broker does not know the request kind."},
    {Errc::shutting_down, "shutting_down", true, "The broker is stopping."},
    {Errc::not_found, "not_found", false, "The thing asked for does not exist."},
    {Errc::io_error, "io_error", false, "The operating system reported a disk error."},
    {Errc::corrupt_file, "corrupt_file", false, "A file does not hold what its checksum promises."},
    {Errc::already_exists, "already_exists", false, "The file or directory exists already."},
    {Errc::permission_denied, "permission_denied", false, "The process may not do this."},
    {Errc::in_use, "in_use", false, "Another process holds the directory or the port."},
    {Errc::unknown_group, "unknown_group", false, "The group has no committed offsets."},
    {Errc::limit_exceeded, "limit_exceeded", true,
     "A limit of the broker on connections, streams or bytes is reached."},
    {Errc::expired, "expired", false, "The key was removed by retention."},
    {Errc::internal, "internal", false, "A broken invariant; please report it."},
    {Errc::connect_failed, "connect_failed", true, "No connection to the broker could be made."},
    {Errc::connection_lost, "connection_lost", true, "The connection ended before the answer came."},
    {Errc::wrong_partition, "wrong_partition", false,
     "The topic's partitioner maps this key to another partition, or (partitioner any) its value stands in another; "
     "the "
     "record was refused."},
    {Errc::not_leader, "not_leader", true, "Another broker leads this partition."},
    {Errc::stale_token, "stale_token", false, "The bytes are not a resume token of this topic and this broker."},
    {Errc::topic_changed, "topic_changed", false,
     "The position was read from another log: the topic was made anew or its files were restored; start anew."},
    {Errc::foreign_file, "foreign_file", false,
     "A file belongs to another topic or partition; the message says which and whose."},
    {Errc::unknown_member_id, "unknown_member_id", false,
     "The group has no member of that id, or not any more; join it anew."},
    {Errc::illegal_generation, "illegal_generation", false, "The group is in another generation; join it anew."},
    {Errc::rebalance_in_progress, "rebalance_in_progress", false,
     "The group shares its partitions out anew; join it again."},
    {Errc::member_id_required, "member_id_required", false, "Join again with the member id that the answer carries."},
    {Errc::fenced_instance_id, "fenced_instance_id", false,
     "Another member has joined under this group instance id since."},
    {Errc::inconsistent_group_protocol, "inconsistent_group_protocol", false,
     "The member's protocols have none in common with those of the group's members."},
    {Errc::invalid_session_timeout, "invalid_session_timeout", false,
     "The session timeout lies outside group.min.session.timeout.ms to group.max.session.timeout.ms."},
    {Errc::group_max_size_reached, "group_max_size_reached", false, "The group has group.max.size members already."},
    {Errc::non_empty_group, "non_empty_group", false, "The group has members; it can be deleted once they have left."},
    {Errc::group_id_not_found, "group_id_not_found", false, "No group of that name exists."},
    {Errc::invalid_group_id, "invalid_group_id", false, "A group's name has 1 to 255 bytes."},
    {Errc::coordinator_loading, "coordinator_loading", true, "The groups of the last run are still being read."},
    {Errc::coordinator_not_available, "coordinator_not_available", true,
     "The group's state cannot be written or changed right now."},
    {Errc::group_subscribed_to_topic, "group_subscribed_to_topic", false,
     "Members of the group read the topic; their offsets cannot be deleted."},
    {Errc::commit_metadata_too_large, "commit_metadata_too_large", false,
     "The metadata of a commit has at most 4096 bytes."},
    {Errc::fenced_member_epoch, "fenced_member_epoch", false,
     "The member's epoch is not the one the group knows it with; it joins anew."},
    {Errc::stale_member_epoch, "stale_member_epoch", false,
     "The member's epoch is over; it asks again with the one of its next heartbeat."},
    {Errc::unreleased_instance_id, "unreleased_instance_id", false,
     "Another member has this group instance id and has not left."},
    {Errc::unsupported_assignor, "unsupported_assignor", false, "The broker's assignors are uniform and range."},
    {Errc::invalid_regular_expression, "invalid_regular_expression", false,
     "The regular expression of a subscription is none that RE2 reads."},
};

const ErrcInfo* find(Errc code) {
  const auto index = static_cast<std::size_t>(code);
  return index < std::size(kErrcTable) ? &kErrcTable[index] : nullptr;
}

constexpr bool table_in_number_order() {
  for (std::size_t i = 0; i < std::size(kErrcTable); ++i)
    if (static_cast<std::size_t>(kErrcTable[i].code) != i) return false;
  return true;
}
static_assert(table_in_number_order(), "the table is indexed by the code's number");

}  // namespace

std::string_view errc_name(Errc code) {
  const ErrcInfo* info = find(code);
  return info ? info->name : "unknown_error";
}

std::string_view errc_meaning(Errc code) {
  const ErrcInfo* info = find(code);
  return info ? info->meaning : "An error this build does not know.";
}

bool errc_retriable(Errc code) {
  const ErrcInfo* info = find(code);
  return info != nullptr && info->retriable;
}

Errc errc_from_wire(std::int32_t number) {
  const ErrcInfo* info = find(static_cast<Errc>(number));
  return info ? info->code : Errc::internal;
}

ErrcTable errc_table() { return {std::begin(kErrcTable), std::end(kErrcTable)}; }

}  // namespace logcask
