#include "broker/services/offset_commit_codec.h"

#include <algorithm>

#include "base/coding.h"
#include "base/utf8.h"

namespace logcask {
namespace {

constexpr std::int16_t kKeyVersion = 1;
constexpr std::int16_t kValueVersion = 4;
// From version 4 on strings are compact and fields may be tagged.
constexpr std::int16_t kFlexibleValueVersion = 4;
constexpr std::uint32_t kMetadataBytesMost = INT16_MAX;  // what every version has room for
constexpr std::uint32_t kTopicIdTag = 0;
constexpr std::uint32_t kRunTag = 0x4c43;

void put_unsigned(ByteWriter& writer, std::uint32_t value) {
  for (; value >= 0x80; value >>= 7) writer.fixed(static_cast<std::uint8_t>(value | 0x80));
  writer.fixed(static_cast<std::uint8_t>(value));
}

std::uint32_t get_unsigned(ByteReader& reader) {
  std::uint32_t value = 0;
  for (int shift = 0; shift < 35; shift += 7) {
    const auto byte = reader.fixed<std::uint8_t>();
    value |= static_cast<std::uint32_t>(byte & 0x7f) << (shift & 31);
    if ((byte & 0x80) == 0) break;
  }
  return value;
}

void put_tagged_fields(ByteWriter& writer, const OffsetCommitValue& value) {
  put_unsigned(writer, (value.topic_id ? 1 : 0) + (value.run != kNoRun ? 1 : 0));
  if (value.topic_id) {
    put_unsigned(writer, kTopicIdTag);
    put_unsigned(writer, static_cast<std::uint32_t>(value.topic_id->bytes.size()));
    writer.bytes(ByteView(reinterpret_cast<const char*>(value.topic_id->bytes.data()), value.topic_id->bytes.size()));
  }
  if (value.run != kNoRun) {
    put_unsigned(writer, kRunTag);
    put_unsigned(writer, 8);
    writer.fixed(value.run.value());
  }
}

void get_tagged_fields(ByteReader& reader, OffsetCommitValue& value) {
  const std::uint32_t count = get_unsigned(reader);
  for (std::uint32_t i = 0; i < count && reader.ok(); ++i) {
    const std::uint32_t tag = get_unsigned(reader);
    const ByteView field = reader.bytes(get_unsigned(reader));
    TopicId id;
    if (tag == kTopicIdTag && field.size() == id.bytes.size()) {
      std::copy(field.begin(), field.end(), reinterpret_cast<char*>(id.bytes.data()));
      value.topic_id = id;
    }
    if (tag == kRunTag && field.size() == 8) value.run = RunId(load_be<std::uint64_t>(field.data()));
  }
}

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
  const bool flexible = value.topic_id || value.run != kNoRun;
  writer.fixed(flexible ? kFlexibleValueVersion : std::int16_t{3});
  writer.fixed(value.offset.value());
  writer.fixed(value.leader_epoch.value());
  if (flexible) {
    put_unsigned(writer, static_cast<std::uint32_t>(value.metadata.size()) + 1);
    writer.bytes(value.metadata);
  } else {
    writer.short_string(value.metadata);
  }
  writer.fixed(value.commit_timestamp.value());
  if (flexible) put_tagged_fields(writer, value);
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
  if (version >= kFlexibleValueVersion) {
    const std::uint32_t size = get_unsigned(reader);
    if (size > kMetadataBytesMost + 1) return Error{Errc::corrupt_message, "a committed offset's metadata is too long"};
    value.metadata = utf8_text(reader.bytes(size > 0 ? size - 1 : 0));
  } else {
    value.metadata = utf8_text(reader.short_string());
  }
  value.commit_timestamp = TimestampMs(reader.fixed<std::int64_t>());
  if (version == 1) (void)reader.fixed<std::int64_t>();
  if (version >= kFlexibleValueVersion) get_tagged_fields(reader, value);
  if (!reader.at_end()) return Error{Errc::corrupt_message, "a committed offset has the wrong length"};
  return value;
}

}  // namespace logcask
