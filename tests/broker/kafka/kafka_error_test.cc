// The one table of errors for Kafka's clients. What each client does with them: tests/kafka/errors_e2e.py.
#include "broker/kafka/kafka_error.h"

#include <algorithm>

#include "tests/support/catch.h"

namespace logcask::testing {
namespace {

using kafka::ErrorCode;

// As Kafka's own clients have it (RetriableException).
bool kafka_tries_again(ErrorCode code) {
  using enum ErrorCode;
  constexpr ErrorCode kRetriable[] = {kafka::ErrorCode::corrupt_message,
                                      not_leader_or_follower,
                                      request_timed_out,
                                      kafka_storage_error,
                                      kafka::ErrorCode::coordinator_not_available,
                                      coordinator_load_in_progress,
                                      unknown_topic_or_partition};
  return std::find(std::begin(kRetriable), std::end(kRetriable), code) != std::end(kRetriable);
}

TEST_CASE("what a retry may help is an error that Kafka clients try again", "[kafka-error]") {
  // Of conditions and of connections, which this wire has not; a consumer resets where we would wait.
  const auto elsewhere = {Errc::conflict_pending, Errc::connect_failed, Errc::connection_lost, Errc::offset_not_yet};
  for (const ErrcInfo& info : errc_table()) {
    INFO(info.name);
    if (!info.retriable || std::find(elsewhere.begin(), elsewhere.end(), info.code) != elsewhere.end()) continue;
    CHECK(kafka_tries_again(to_kafka(info.code)));
    CHECK(kafka_tries_again(group_to_kafka(info.code)));
  }
}

TEST_CASE("a full keydir, a wrong partition and a bad record fail at once", "[kafka-error]") {
  CHECK(to_kafka(Errc::keydir_budget_exceeded) == ErrorCode::policy_violation);
  CHECK(to_kafka(Errc::wrong_partition) == ErrorCode::policy_violation);
  for (const Errc code : {Errc::keydir_budget_exceeded, Errc::wrong_partition, Errc::invalid_record,
                          Errc::message_too_large, Errc::invalid_config, Errc::permission_denied})
    CHECK_FALSE(kafka_tries_again(to_kafka(code)));
}

TEST_CASE("storage that an operator mends is tried again until the client's own time is over", "[kafka-error]") {
  for (const Errc code : {Errc::storage_full, Errc::read_only, Errc::io_error, Errc::corrupt_range, Errc::corrupt_file,
                          Errc::foreign_file, Errc::limit_exceeded})
    CHECK(to_kafka(code) == ErrorCode::kafka_storage_error);
  for (const Errc code : {Errc::loading, Errc::partition_offline, Errc::shutting_down})
    CHECK(to_kafka(code) == ErrorCode::not_leader_or_follower);
}

TEST_CASE("an offset that is not there any more, or not as it was, is out of range", "[kafka-error]") {
  for (const Errc code :
       {Errc::offset_out_of_range, Errc::offset_not_yet, Errc::tombstone_horizon_passed, Errc::expired})
    CHECK(to_kafka(code) == ErrorCode::offset_out_of_range);
}

}  // namespace
}  // namespace logcask::testing
