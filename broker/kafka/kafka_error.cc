#include "broker/kafka/kafka_error.h"

#include "broker/topics/topic_name.h"

namespace logcask {

kafka::ErrorCode to_kafka(Errc code) {
  using enum kafka::ErrorCode;
  switch (code) {
    case Errc::ok:
      return none;
    case Errc::unknown_topic:
    case Errc::unknown_partition:
      return unknown_topic_or_partition;
    case Errc::topic_exists:
    case Errc::already_exists:
      return topic_already_exists;
    case Errc::invalid_topic_name:
      return invalid_topic_exception;
    case Errc::invalid_config:
      return kafka::ErrorCode::invalid_config;
    case Errc::invalid_record:
      return kafka::ErrorCode::invalid_record;
    case Errc::corrupt_message:
      return kafka::ErrorCode::corrupt_message;
    case Errc::message_too_large:
    case Errc::frame_too_large:
      return kafka::ErrorCode::message_too_large;
    // What is behind the horizon is as good as gone: the client's own rule says where it goes on.
    case Errc::offset_out_of_range:
    case Errc::offset_not_yet:
    case Errc::tombstone_horizon_passed:
    case Errc::expired:
      return kafka::ErrorCode::offset_out_of_range;
    case Errc::out_of_order_sequence:
      return out_of_order_sequence_number;
    case Errc::invalid_producer_epoch:
      return kafka::ErrorCode::invalid_producer_epoch;
    case Errc::unknown_producer_id:
      return kafka::ErrorCode::unknown_producer_id;
    // Trying again would not help: the key stays new.
    case Errc::keydir_budget_exceeded:
    case Errc::wrong_partition:
      return policy_violation;
    case Errc::timed_out:
    case Errc::throttled:
      return request_timed_out;
    case Errc::permission_denied:
      return topic_authorization_failed;
    case Errc::unsupported_version:
    case Errc::unsupported:
      return kafka::ErrorCode::unsupported_version;
    case Errc::invalid_argument:
    case Errc::malformed_frame:
    case Errc::unknown_request:
      return invalid_request;
    // What passes by itself, or with an operator's help: clients try again until their own time is over.
    case Errc::loading:
    case Errc::shutting_down:
    case Errc::cancelled:
    case Errc::partition_offline:
    case Errc::not_leader:
      return not_leader_or_follower;
    case Errc::storage_full:
    case Errc::read_only:
    case Errc::io_error:
    case Errc::corrupt_range:
    case Errc::corrupt_file:
    case Errc::foreign_file:
    case Errc::limit_exceeded:  // of open files, or of producers that are remembered
      return kafka_storage_error;
    case Errc::unknown_member_id:
      return kafka::ErrorCode::unknown_member_id;
    case Errc::illegal_generation:
      return kafka::ErrorCode::illegal_generation;
    case Errc::rebalance_in_progress:
      return kafka::ErrorCode::rebalance_in_progress;
    case Errc::member_id_required:
      return kafka::ErrorCode::member_id_required;
    case Errc::fenced_instance_id:
      return kafka::ErrorCode::fenced_instance_id;
    case Errc::inconsistent_group_protocol:
      return kafka::ErrorCode::inconsistent_group_protocol;
    case Errc::invalid_session_timeout:
      return kafka::ErrorCode::invalid_session_timeout;
    case Errc::group_max_size_reached:
      return kafka::ErrorCode::group_max_size_reached;
    case Errc::non_empty_group:
      return kafka::ErrorCode::non_empty_group;
    case Errc::group_id_not_found:
    case Errc::unknown_group:
      return kafka::ErrorCode::group_id_not_found;
    case Errc::invalid_group_id:
      return kafka::ErrorCode::invalid_group_id;
    case Errc::group_subscribed_to_topic:
      return kafka::ErrorCode::group_subscribed_to_topic;
    case Errc::commit_metadata_too_large:
      return offset_metadata_too_large;
    case Errc::fenced_member_epoch:
      return kafka::ErrorCode::fenced_member_epoch;
    case Errc::stale_member_epoch:
      return kafka::ErrorCode::stale_member_epoch;
    case Errc::unreleased_instance_id:
      return kafka::ErrorCode::unreleased_instance_id;
    case Errc::unsupported_assignor:
      return kafka::ErrorCode::unsupported_assignor;
    case Errc::invalid_regular_expression:
      return kafka::ErrorCode::invalid_regular_expression;
    case Errc::coordinator_loading:
      return coordinator_load_in_progress;
    case Errc::coordinator_not_available:
      return kafka::ErrorCode::coordinator_not_available;
    // Of our own wire and client, or a bug.
    case Errc::condition_failed:
    case Errc::conflict_pending:
    case Errc::connect_failed:
    case Errc::connection_lost:
    case Errc::in_use:
    case Errc::internal:
    case Errc::not_found:
    case Errc::stale_token:
    case Errc::topic_changed:
      return unknown_server_error;
  }
  return unknown_server_error;
}

kafka::ErrorCode lookup_to_kafka(Errc code, std::string_view topic) {
  return to_kafka(code == Errc::unknown_topic && !check_topic_name(topic).ok() ? Errc::invalid_topic_name : code);
}

kafka::ErrorCode group_to_kafka(Errc code) {
  using enum kafka::ErrorCode;
  switch (code) {
    case Errc::permission_denied:
      return group_authorization_failed;
    case Errc::loading:
      return coordinator_load_in_progress;
    case Errc::shutting_down:
    case Errc::cancelled:
    case Errc::partition_offline:
    case Errc::not_leader:
    case Errc::storage_full:
    case Errc::read_only:
    case Errc::io_error:
    case Errc::corrupt_range:
    case Errc::corrupt_file:
    case Errc::foreign_file:
    case Errc::limit_exceeded:
    case Errc::throttled:
    case Errc::timed_out:
      return kafka::ErrorCode::coordinator_not_available;
    default:
      return to_kafka(code);
  }
}

}  // namespace logcask
