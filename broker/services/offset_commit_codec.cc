#include "broker/services/offset_commit_codec.h"

#include "base/coding.h"

namespace logcask {
namespace {

constexpr std::int16_t kKeyVersion = 1;
constexpr std::int16_t kValueVersion = 3;

}  // namespace

std::string encode_offset_commit_key(const OffsetCommitKey& key) {
  std::string out;
  ByteWriter writer(out);
  writer.fixed(kKeyVersion);
  writer.short_string(key.group);
  writer.short_string(key.topic);
  writer.fixed(key.partition.value());
  return out;
}

std::string encode_offset_commit_value(const OffsetCommitValue& value) {
  std::string out;
  ByteWriter writer(out);
  writer.fixed(kValueVersion);
  writer.fixed(value.offset.value());
  writer.fixed(value.leader_epoch.value());
  writer.short_string(value.metadata);
  writer.fixed(value.commit_timestamp.value());
  return out;
}

Result<std::optional<OffsetCommitKey>> decode_offset_commit_key(ByteView bytes) {
  ByteReader reader(bytes);
  const auto version = reader.fixed<std::int16_t>();
  if (!reader.ok() || version < 0) return Error{Errc::corrupt_message, "not a key of __consumer_offsets"};
  if (version > kKeyVersion) return std::optional<OffsetCommitKey>();
  OffsetCommitKey key;
  key.group = reader.short_string();
  key.topic = reader.short_string();
  key.partition = PartitionId(reader.fixed<std::int32_t>());
  if (!reader.at_end()) return Error{Errc::corrupt_message, "a key of __consumer_offsets has the wrong length"};
  return std::optional<OffsetCommitKey>(std::move(key));
}

Result<OffsetCommitValue> decode_offset_commit_value(ByteView bytes) {
  ByteReader reader(bytes);
  const auto version = reader.fixed<std::int16_t>();
  if (!reader.ok() || version < 0 || version > kValueVersion)
    return Error{Errc::corrupt_message, "a committed offset of unknown version " + std::to_string(version)};
  OffsetCommitValue value;
  value.offset = Offset(reader.fixed<std::int64_t>());
  if (version >= 3) value.leader_epoch = LeaderEpoch(reader.fixed<std::int32_t>());
  value.metadata = reader.short_string();
  value.commit_timestamp = TimestampMs(reader.fixed<std::int64_t>());
  if (version == 1) (void)reader.fixed<std::int64_t>();
  if (!reader.at_end()) return Error{Errc::corrupt_message, "a committed offset has the wrong length"};
  return value;
}

}  // namespace logcask
