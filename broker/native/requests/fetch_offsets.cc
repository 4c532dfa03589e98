// FetchOffsets: what a consumer group has committed, with the ends of the partitions for its lag; and who is in it.
#include "broker/native/requests/requests.h"
#include "broker/native/requests/wire.h"
#include "logcask/v1/native.pb.h"

namespace logcask {
namespace {

void encode_offsets(const std::vector<CommittedOffset>& offsets, v1::FetchOffsetsResponse& body) {
  for (const CommittedOffset& one : offsets) {
    v1::FetchOffsetsResponse::Entry& out = *body.add_entries();
    out.set_topic(one.topic);
    out.set_partition(static_cast<std::uint32_t>(one.partition.value()));
    out.set_committed_end(one.committed_end.value());
    out.set_log_start_offset(one.log_start_offset.value());
    out.set_offset(-1);
    if (!one.changed.ok()) set_error(out.mutable_error(), one.changed);
    if (!one.value || !one.changed.ok()) continue;
    out.set_run(one.value->run.value());
    out.set_offset(one.value->offset.value());
    out.set_leader_epoch(one.value->leader_epoch.value());
    out.set_metadata(one.value->metadata);
    out.set_commit_timestamp_ms(one.value->commit_timestamp.value());
  }
}

void encode_group(const GroupOverview& overview, v1::FetchOffsetsResponse::Group& group) {
  group.set_state(std::string(group_state_name(overview.group.state)));
  group.set_protocol_type(overview.group.protocol_type);
  group.set_protocol(overview.group.protocol);
  group.set_kind(std::string(group_kind_name(overview.group.kind)));
  group.set_epoch(overview.group.epoch);
  group.set_target_epoch(overview.group.target_epoch);
  for (std::size_t i = 0; i < overview.group.members.size(); ++i) {
    const GroupMemberDescription& member = overview.group.members[i];
    v1::FetchOffsetsResponse::Member& out = *group.add_members();
    out.set_member_id(member.member_id.text());
    if (member.instance_id) out.set_instance_id(member.instance_id->text());
    out.set_client_id(member.client_id);
    out.set_client_host(member.client_host);
    out.set_epoch(member.epoch);
    for (const auto& [topic, partitions] : overview.assigned[i]) {
      auto& assigned = *out.add_assigned();
      assigned.set_topic(topic);
      for (const PartitionId partition : partitions)
        assigned.add_partitions(static_cast<std::uint32_t>(partition.value()));
    }
  }
}

void describe_group(const NativeRequest& request) {
  in_background(
      request,
      [&admin = request.services().group_admin, principal = request.protocol.principal(),
       group = request.header.fetch_offsets().group()] { return admin.overview(principal, group); },
      [](NativeProtocol& protocol, std::uint64_t correlation_id, const Result<GroupOverview>& overview) {
        if (!overview.ok()) return protocol.send_error(correlation_id, overview.error());
        v1::ResponseHeader response;
        response.set_correlation_id(correlation_id);
        encode_offsets(overview->offsets, *response.mutable_fetch_offsets());
        encode_group(*overview, *response.mutable_fetch_offsets()->mutable_group());
        protocol.send(response);
      });
}

}  // namespace

void handle_fetch_offsets(const NativeRequest& request) {
  const v1::FetchOffsetsRequest& wanted = request.header.fetch_offsets();
  if (wanted.describe()) return describe_group(request);
  std::vector<std::pair<std::string, PartitionId>> places;
  for (const auto& wire : wanted.entries()) places.emplace_back(wire.topic(), partition_from_wire(wire.partition()));
  in_background(
      request,
      [&service = request.services().groups, principal = request.protocol.principal(), group = wanted.group(),
       places = std::move(places)] { return service.fetch(principal, group, places); },
      [](NativeProtocol& protocol, std::uint64_t correlation_id,
         const Result<std::vector<CommittedOffset>>& committed) {
        if (!committed.ok()) return protocol.send_error(correlation_id, committed.error());
        v1::ResponseHeader response;
        response.set_correlation_id(correlation_id);
        encode_offsets(*committed, *response.mutable_fetch_offsets());
        protocol.send(response);
      });
}

}  // namespace logcask
