#include "broker/native/requests/wire.h"

#include <algorithm>
#include <utility>

#include "base/mutant.h"

namespace logcask {

PartitionId partition_from_wire(std::uint32_t number) {
  if (mutant(Mutant::partition_number_masked)) number &= INT32_MAX;
  return PartitionId(static_cast<std::int32_t>(number));
}

GroupMemberClaim member_from_wire(const v1::GroupMember* member) {
  GroupMemberClaim claim;
  if (!member) return claim;
  claim.member_id = MemberId(member->member_id());
  if (!member->instance_id().empty()) claim.instance_id = GroupInstanceId(member->instance_id());
  claim.generation = GroupGeneration(member->generation());
  return claim;
}

Result<std::optional<TopicId>> topic_id_from_wire(const std::string& bytes) {
  if (bytes.empty()) return std::optional<TopicId>();
  TopicId id;
  if (bytes.size() != id.bytes.size())
    return Error{Errc::invalid_argument,
                 "a topic_id of " + std::to_string(bytes.size()) + " bytes; it has 16, or none"};
  std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(id.bytes.data()));
  return std::optional(id);
}

void add_pieces(std::vector<NativeProtocol::Piece>& out, const std::vector<ByteView>& pieces,
                std::vector<std::shared_ptr<const void>> owners) {
  if (pieces.empty()) return;
  // Which owner holds which piece is the runner's business: together they hold all.
  std::shared_ptr<const void> owner;
  if (owners.size() == 1)
    owner = std::move(owners.front());
  else
    owner = std::make_shared<const std::vector<std::shared_ptr<const void>>>(std::move(owners));
  for (const ByteView piece : pieces) out.push_back({piece, owner});
}

}  // namespace logcask
