#pragma once
// Small conversions between the wire's messages and ours.

#include <optional>
#include <string>

#include "base/result.h"
#include "base/utf8.h"
#include "broker/door/partition_runner.h"
#include "broker/native/native_protocol.h"
#include "broker/services/group_types.h"
#include "logcask/v1/native.pb.h"

namespace logcask {

inline void set_error(v1::PartitionError* wire, const Status& status) {
  if (status.ok()) return;
  wire->set_code(static_cast<int>(status.code()));
  wire->set_message(utf8_text(status.error().message));
}

// The partition a request names. No partition has a number above 2^31-1: such a one becomes negative here, which no
// topic has either, so the service refuses it as unknown.
PartitionId partition_from_wire(std::uint32_t number);
// Where a request may also mean all of them, as -1 (kAllPartitions).
inline PartitionId partition_from_wire(std::int32_t number) { return PartitionId(number); }

inline std::string id_bytes(const TopicId& id) {
  return std::string(reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size());
}

// Nobody where none was sent.
GroupMemberClaim member_from_wire(const v1::GroupMember* member);

// Nothing where none was sent; invalid_argument unless it has 16 bytes.
Result<std::optional<TopicId>> topic_id_from_wire(const std::string& bytes);

// The pieces of fetched batches, each with everything that keeps it alive.
void add_pieces(std::vector<NativeProtocol::Piece>& out, const std::vector<ByteView>& pieces,
                std::vector<std::shared_ptr<const void>> owners);

template <class Config>
SettingMap to_settings(const Config& config) {
  return SettingMap(config.begin(), config.end());
}

}  // namespace logcask
