#pragma once
// Records of __consumer_offsets that say what a group is whose partitions the broker shares out, in Kafka's encoding
// (group-coordinator/src/main/resources/common/message, values of version 0):
//
//   ConsumerGroupMetadata 3 · MemberMetadata 5 · TargetAssignmentMetadata 6 · TargetAssignmentMember 7 ·
//   CurrentMemberAssignment 8
//
// Key:   kind i16 | group string | of 5, 7 and 8 member id string
// Value: version i16 = 0 | fields (KIP-482)
//
// What was known of the topics is the hash that Kafka 4.1 and newer keep in the group's own record;
// ConsumerGroupPartition- Metadata 4, which that replaced, and ConsumerGroupRegularExpression 16 are not written, and
// stepped over.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "broker/services/consumer_group.h"
#include "broker/topics/internal_batch.h"

namespace logcask {

// What makes of `before` on the disk `after`. Nothing where they are the same.
std::vector<InternalRecord> changed_records(const ConsumerGroup& before, const ConsumerGroup& after);
// Of a group that goes; its members have gone before.
std::vector<InternalRecord> deleted_records(const ConsumerGroup& group);

// Takes a record in. False when its key is of another kind; corrupt_message when it cannot be read. A record that
// begins a group anew as one of the classic kind is the caller's affair.
Result<bool> take_consumer_group_record(ByteView key, const std::optional<ByteView>& value,
                                        std::map<std::string, ConsumerGroup::Stored>& groups);

}  // namespace logcask
