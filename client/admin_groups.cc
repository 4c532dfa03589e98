#include "client/ask.h"
#include "client/blocking.h"
#include "logcask/admin.h"

namespace logcask::client {
namespace {

GroupMemberInfo group_member_from(const v1::FetchOffsetsResponse::Member& from) {
  GroupMemberInfo member{from.member_id(), from.instance_id(), from.client_id(), from.client_host(), {}, from.epoch()};
  for (const auto& assigned : from.assigned())
    for (const auto partition : assigned.partitions())
      member.assigned[assigned.topic()].push_back(partition_of(partition));
  return member;
}

GroupDescription group_from(const std::string& name, const v1::FetchOffsetsResponse& body) {
  const v1::FetchOffsetsResponse::Group& described = body.group();
  GroupDescription group;
  group.name = name;
  group.state = described.state();
  group.protocol_type = described.protocol_type();
  group.protocol = described.protocol();
  group.kind = described.kind();
  group.epoch = described.epoch();
  group.target_epoch = described.target_epoch();
  for (const auto& from : described.members()) group.members.push_back(group_member_from(from));
  for (const auto& from : body.entries())
    group.offsets.push_back({from.topic(), partition_of(from.partition()), Offset(from.offset()), from.metadata(),
                             TimestampMs(from.offset() < 0 ? -1 : from.commit_timestamp_ms()),
                             Offset(from.committed_end()), Offset(from.log_start_offset()), RunId(from.run()),
                             error_of(from.error())});
  return group;
}

}  // namespace

void Admin::list_groups_async(CallOptions call, Callback<std::vector<GroupInfo>> done) {
  v1::RequestHeader request;
  request.mutable_list_groups();
  using Groups = std::vector<GroupInfo>;
  ask<Groups>(*core_, request, spec_of(call, OnLost::resend), std::move(done),
              [](const Response& response) -> Result<Groups> {
                Groups groups;
                for (const auto& from : response.header.list_groups().groups())
                  groups.push_back({from.name(), from.partitions(), from.state(), from.protocol_type(), from.kind()});
                return groups;
              });
}
Result<std::vector<GroupInfo>> Admin::list_groups(CallOptions call) {
  return wait_for<std::vector<GroupInfo>>(*core_, [&](auto done) { list_groups_async(call, done); });
}

void Admin::describe_group_async(const std::string& group, CallOptions call, Callback<GroupDescription> done) {
  v1::RequestHeader request;
  request.mutable_fetch_offsets()->set_group(group);
  request.mutable_fetch_offsets()->set_describe(true);
  ask<GroupDescription>(*core_, request, spec_of(call, OnLost::resend), std::move(done),
                        [group](const Response& response) -> Result<GroupDescription> {
                          const auto& body = response.header.fetch_offsets();
                          // From an older broker.
                          if (!body.has_group() && body.entries().empty())
                            return Error{Errc::group_id_not_found, "group '" + group + "' has no committed offsets"};
                          return group_from(group, body);
                        });
}
Result<GroupDescription> Admin::describe_group(const std::string& group, CallOptions call) {
  return wait_for<GroupDescription>(*core_, [&](auto done) { describe_group_async(group, call, done); });
}

void commit_offsets(Core& core, const std::string& group, const std::vector<GroupOffset>& offsets,
                    const std::optional<MemberClaim>& member, CallOptions call, Callback<void> done) {
  v1::RequestHeader request;
  auto* commit = request.mutable_commit_offsets();
  commit->set_group(group);
  if (member) to_wire(*member, *commit->mutable_member());
  std::vector<std::string> names;
  for (const GroupOffset& offset : offsets) {
    auto* entry = commit->add_entries();
    entry->set_topic(offset.topic);
    entry->set_partition(static_cast<std::uint32_t>(offset.partition.value()));
    entry->set_offset(offset.offset.value());
    entry->set_leader_epoch(-1);
    entry->set_metadata(offset.metadata);
    entry->set_run(offset.run.value());
    names.push_back(offset.topic + "-" + std::to_string(offset.partition.value()));
  }
  ask<void>(core, request, spec_of(call, OnLost::resend), std::move(done), [names](const Response& response) -> Status {
    const auto& errors = response.header.commit_offsets().errors();
    for (int i = 0; i < errors.size(); ++i)
      if (errors[i].code() != 0) {
        const auto index = static_cast<std::size_t>(i);
        return std::move(error_of(errors[i])).in(index < names.size() ? names[index] : "commit");
      }
    return {};
  });
}
void Admin::commit_group_async(const std::string& group, const std::vector<GroupOffset>& offsets, CallOptions call,
                               Callback<void> done) {
  commit_offsets(*core_, group, offsets, std::nullopt, call, std::move(done));
}
Status Admin::commit_group(const std::string& group, const std::vector<GroupOffset>& offsets, CallOptions call) {
  return wait_for<void>(*core_, [&](auto done) { commit_group_async(group, offsets, call, done); });
}

}  // namespace logcask::client
