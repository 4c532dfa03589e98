#include "broker/services/group_metadata_codec.h"

#include <utility>

#include "base/coding.h"
#include "base/utf8.h"

namespace logcask {
namespace {

constexpr std::int16_t kGroupKeyVersion = 2;
constexpr std::int16_t kGroupValueVersion = 3;

void put_nullable(ByteWriter& writer, const std::string* text) {
  if (text)
    writer.short_string(*text);
  else
    writer.fixed(std::int16_t{-1});
}

std::optional<std::string> get_nullable(ByteReader& reader) {
  const auto size = reader.fixed<std::int16_t>();
  if (size < 0) return std::nullopt;
  return utf8_text(reader.bytes(static_cast<std::size_t>(size)));
}

void put_blob(ByteWriter& writer, const std::string& bytes) {
  writer.fixed(static_cast<std::int32_t>(bytes.size()));
  writer.bytes(bytes);
}

std::string get_blob(ByteReader& reader) {
  const auto size = reader.fixed<std::int32_t>();
  return size > 0 ? std::string(reader.bytes(static_cast<std::size_t>(size))) : std::string();
}

StoredGroupMember get_member(ByteReader& reader, std::int16_t version) {
  StoredGroupMember member;
  member.member_id = MemberId(utf8_text(reader.short_string()));
  if (version >= 3)
    if (auto instance = get_nullable(reader)) member.instance_id = GroupInstanceId(std::move(*instance));
  member.client_id = utf8_text(reader.short_string());
  member.client_host = utf8_text(reader.short_string());
  if (version >= 1) member.rebalance_timeout_ms = reader.fixed<std::int32_t>();
  member.session_timeout_ms = reader.fixed<std::int32_t>();
  if (version < 1) member.rebalance_timeout_ms = member.session_timeout_ms;
  member.subscription = get_blob(reader);
  member.assignment = get_blob(reader);
  return member;
}

}  // namespace

std::string encode_group_metadata_key(const std::string& group) {
  std::string out;
  ByteWriter writer(out);
  writer.fixed(kGroupKeyVersion);
  writer.short_string(group);
  return out;
}

std::string encode_group_metadata_value(const GroupMetadataValue& value) {
  std::string out;
  ByteWriter writer(out);
  writer.fixed(kGroupValueVersion);
  writer.short_string(value.protocol_type);
  writer.fixed(value.generation.value());
  put_nullable(writer, value.protocol ? &*value.protocol : nullptr);
  put_nullable(writer, value.leader ? &value.leader->text() : nullptr);
  writer.fixed(value.since.value());
  writer.fixed(static_cast<std::int32_t>(value.members.size()));
  for (const StoredGroupMember& member : value.members) {
    writer.short_string(member.member_id.text());
    put_nullable(writer, member.instance_id ? &member.instance_id->text() : nullptr);
    writer.short_string(member.client_id);
    writer.short_string(member.client_host);
    writer.fixed(member.rebalance_timeout_ms);
    writer.fixed(member.session_timeout_ms);
    put_blob(writer, member.subscription);
    put_blob(writer, member.assignment);
  }
  return out;
}

Result<std::optional<std::string>> decode_group_metadata_key(ByteView bytes) {
  ByteReader reader(bytes);
  const auto version = reader.fixed<std::int16_t>();
  if (!reader.ok() || version < 0) return Error{Errc::corrupt_message, "not a key of __consumer_offsets"};
  if (version != kGroupKeyVersion) return std::optional<std::string>();
  std::string group(reader.short_string());
  if (!reader.at_end()) return Error{Errc::corrupt_message, "a group's key of __consumer_offsets has the wrong length"};
  return std::optional<std::string>(std::move(group));
}

Result<GroupMetadataValue> decode_group_metadata_value(ByteView bytes) {
  ByteReader reader(bytes);
  const auto version = reader.fixed<std::int16_t>();
  if (!reader.ok() || version < 0 || version > kGroupValueVersion)
    return Error{Errc::corrupt_message, "a group's metadata of unknown version " + std::to_string(version)};
  GroupMetadataValue value;
  value.protocol_type = utf8_text(reader.short_string());
  value.generation = GroupGeneration(reader.fixed<std::int32_t>());
  value.protocol = get_nullable(reader);
  if (auto leader = get_nullable(reader)) value.leader = MemberId(std::move(*leader));
  if (version >= 2) value.since = TimestampMs(reader.fixed<std::int64_t>());
  const auto count = reader.fixed<std::int32_t>();
  for (std::int32_t i = 0; i < count && reader.ok(); ++i) value.members.push_back(get_member(reader, version));
  if (!reader.at_end()) return Error{Errc::corrupt_message, "a group's metadata has the wrong length"};
  return value;
}

}  // namespace logcask
