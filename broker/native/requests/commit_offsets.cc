// CommitOffsets: positions of a consumer group, durable when answered.
#include "broker/native/requests/requests.h"
#include "broker/native/requests/wire.h"
#include "logcask/v1/native.pb.h"

namespace logcask {

void handle_commit_offsets(const NativeRequest& request) {
  const v1::CommitOffsetsRequest& wanted = request.header.commit_offsets();
  std::vector<OffsetCommit> commits;
  for (const auto& wire : wanted.entries())
    commits.push_back({wire.topic(), partition_from_wire(wire.partition()), Offset(wire.offset()),
                       LeaderEpoch(wire.leader_epoch()), wire.metadata(), RunId(wire.run())});
  in_background(
      request,
      [&service = request.services().groups, principal = request.protocol.principal(), group = wanted.group(),
       commits = std::move(commits)] { return service.commit(principal, group, commits); },
      [](NativeProtocol& protocol, std::uint64_t correlation_id, Result<std::vector<Status>> statuses) {
        if (!statuses.ok()) return protocol.send_error(correlation_id, statuses.error());
        v1::ResponseHeader response;
        response.set_correlation_id(correlation_id);
        v1::CommitOffsetsResponse& body = *response.mutable_commit_offsets();
        for (const Status& status : *statuses) set_error(body.add_errors(), status);
        protocol.send(response);
      });
}

}  // namespace logcask
