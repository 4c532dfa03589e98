#pragma once
// Records of __consumer_offsets in Kafka's encoding: OffsetCommitKey version 1, OffsetCommitValue version 4, and
// 3 where nothing is known that only version 4 has a place for.
//
// Key:   version i16 = 1 | group string | topic string | partition i32
// Value: version i16 = 4 | offset i64 | leader epoch i32 | metadata compact string | commit timestamp i64 | tagged
// fields Tagged fields: tag 0 the topic's id (16 bytes, Kafka's own), tag 19523 ("LC") the run of the offset (u64,
// ours; Kafka steps over it). Strings are i16 length and bytes, compact ones a varint of length + 1 and bytes. Values
// of the versions 0 to 3 (no tagged fields, plain string; 0 and 1 without epoch, 1 with expire timestamp) are read too:
// nothing says what log they speak of.

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
  std::optional<TopicId> topic_id = std::nullopt;
  RunId run = kNoRun;
  friend bool operator==(const OffsetCommitValue&, const OffsetCommitValue&) = default;
};

std::string encode_offset_commit_key(const OffsetCommitKey& key);
std::string encode_offset_commit_value(const OffsetCommitValue& value);
// Nothing for other kinds of keys (group metadata is version 2); corrupt_message when the bytes are not a key.
Result<std::optional<OffsetCommitKey>> decode_offset_commit_key(ByteView bytes);
// The metadata is made UTF-8 (utf8_text()).
Result<OffsetCommitValue> decode_offset_commit_value(ByteView bytes);

}  // namespace logcask
