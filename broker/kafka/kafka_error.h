#pragma once
// Our errors as Kafka's: the one table. What decides is what the client does next: a code that it takes for retriable
// makes it try again, another one fails the call.

#include <string_view>

#include "base/result.h"
#include "proto/kafka/error_code.h"

namespace logcask {

kafka::ErrorCode to_kafka(Errc code);
// Of a topic that was looked up: a name that none can have is told apart from one that none has.
kafka::ErrorCode lookup_to_kafka(Errc code, std::string_view topic);
// What a group's coordinator refuses. Clients ask another time, or for the coordinator anew, where a partition's errors
// would make them ask for its leader.
kafka::ErrorCode group_to_kafka(Errc code);
inline std::int16_t kafka_code(kafka::ErrorCode code) { return static_cast<std::int16_t>(code); }
inline std::int16_t kafka_code(const Status& status) {
  return kafka_code(status.ok() ? kafka::ErrorCode::none : to_kafka(status.code()));
}

inline std::int16_t kafka_group_code(const Status& status) {
  return kafka_code(status.ok() ? kafka::ErrorCode::none : group_to_kafka(status.code()));
}

}  // namespace logcask
