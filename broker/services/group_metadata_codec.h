#pragma once
// Records of __consumer_offsets that say what a group is, in Kafka's encoding: GroupMetadataKey version 2,
// GroupMetadataValue version 3.
//
// Key:    version i16 = 2 | group string
// Value:  version i16 = 3 | protocol type string | generation i32 | protocol string or null | leader string or null |
//         since when it is in its state i64 | count i32 | members
// Member: id string | instance id string or null | client id string | client host string | rebalance timeout i32 |
//         session timeout i32 | subscription bytes | assignment bytes
// Strings are i16 length (-1 = null) and bytes, bytes an i32 length and bytes. Values of the versions 0 to 2 are read
// too: 2 has no instance ids, 1 no time, 0 no rebalance timeout (the session timeout stands for it).

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "broker/services/group_types.h"

namespace logcask {

struct StoredGroupMember {
  MemberId member_id;
  std::optional<GroupInstanceId> instance_id;
  std::string client_id;
  std::string client_host;
  std::int32_t rebalance_timeout_ms = 0;
  std::int32_t session_timeout_ms = 0;
  std::string subscription;  // metadata of the group's protocol
  std::string assignment;
  friend bool operator==(const StoredGroupMember&, const StoredGroupMember&) = default;
};
struct GroupMetadataValue {
  std::string protocol_type;
  GroupGeneration generation{0};
  std::optional<std::string> protocol;  // nothing: no members
  std::optional<MemberId> leader;       // nothing: no members
  TimestampMs since{-1};                // in its state
  std::vector<StoredGroupMember> members;
  friend bool operator==(const GroupMetadataValue&, const GroupMetadataValue&) = default;
};

// The texts are at most 32767 bytes long each, and those that are decoded UTF-8 but for the group's name (utf8_text()).
std::string encode_group_metadata_key(const std::string& group);
std::string encode_group_metadata_value(const GroupMetadataValue& value);
// The group's name; nothing for other kinds of keys; corrupt_message when the bytes are not a key.
Result<std::optional<std::string>> decode_group_metadata_key(ByteView bytes);
Result<GroupMetadataValue> decode_group_metadata_value(ByteView bytes);

}  // namespace logcask
