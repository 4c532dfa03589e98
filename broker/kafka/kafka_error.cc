#include "broker/kafka/kafka_error.h"

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
    case Errc::offset_out_of_range:
    case Errc::offset_not_yet:
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
    case Errc::limit_exceeded:
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
      return kafka_storage_error;
    default:
      return unknown_server_error;
  }
}

}  // namespace logcask
