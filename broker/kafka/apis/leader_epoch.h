#pragma once
// The leader epoch that a client believes in, held against the partition's own (KIP-320). It goes up when a log has
// lost its end, and a client that does not know must ask where it stands before it reads on.

#include <string_view>

#include "broker/topics/topics.h"
#include "proto/kafka/error_code.h"

namespace logcask {

// none for -1, and where there is no such partition, which others tell.
kafka::ErrorCode check_leader_epoch(TopicView& topics, std::string_view topic, PartitionId partition,
                                    std::int32_t believed);
// -1 where there is no such partition.
std::int32_t leader_epoch_of(TopicView& topics, std::string_view topic, PartitionId partition);

}  // namespace logcask
