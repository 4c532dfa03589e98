#pragma once
// Records of __consumer_offsets in Kafka's encoding: OffsetCommitKey version 1, OffsetCommitValue version 3.
//
// Key:   version i16 = 1 | group string | topic string | partition i32
// Value: version i16 = 3 | offset i64 | leader epoch i32 | metadata string | commit timestamp i64
// Strings are i16 length and bytes. Values of the versions 0 and 1 (no epoch; expire timestamp) are read too.

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/types.h"

namespace logcask {

struct OffsetCommitKey {
  std::string group;
  std::string topic;
  PartitionId partition;
  friend auto operator<=>(const OffsetCommitKey&, const OffsetCommitKey&) = default;
};
struct OffsetCommitValue {
  Offset offset;
  LeaderEpoch leader_epoch{-1};
  std::string metadata;
  TimestampMs commit_timestamp;
  friend bool operator==(const OffsetCommitValue&, const OffsetCommitValue&) = default;
};

std::string encode_offset_commit_key(const OffsetCommitKey& key);
std::string encode_offset_commit_value(const OffsetCommitValue& value);
// Nothing for other kinds of keys (group metadata is version 2); corrupt_message when the bytes are not a key.
Result<std::optional<OffsetCommitKey>> decode_offset_commit_key(ByteView bytes);
Result<OffsetCommitValue> decode_offset_commit_value(ByteView bytes);

}  // namespace logcask
