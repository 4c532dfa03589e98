// CommitOffsets: positions of a consumer group, durable when answered.
#include "broker/native/requests/requests.h"
#include "broker/native/requests/wire.h"
#include "logcask/v1/native.pb.h"

namespace logcask {

namespace {

void send_commit_statuses(NativeProtocol& protocol, std::uint64_t correlation_id,
                          const Result<std::vector<Status>>& statuses) {
  if (!statuses.ok()) return protocol.send_error(correlation_id, statuses.error());
  v1::ResponseHeader response;
  response.set_correlation_id(correlation_id);
  v1::CommitOffsetsResponse& body = *response.mutable_commit_offsets();
  for (const Status& status : *statuses) set_error(body.add_errors(), status);
  protocol.send(response);
}

}  // namespace

void handle_commit_offsets(const NativeRequest& request) {
  const v1::CommitOffsetsRequest& wanted = request.header.commit_offsets();
  CommitRequest commit;
  commit.group = wanted.group();
  commit.member = member_from_wire(wanted.has_member() ? &wanted.member() : nullptr);
  for (const auto& wire : wanted.entries())
    commit.commits.push_back({wire.topic(), partition_from_wire(wire.partition()), Offset(wire.offset()),
                              LeaderEpoch(wire.leader_epoch()), wire.metadata(), RunId(wire.run())});
  auto unanswered = std::make_shared<Unanswered>(request.protocol, request.correlation_id, request.frame_bytes);
  request.services().groups.commit(request.protocol.principal(), std::move(commit),
                                   [unanswered = std::move(unanswered)](Result<std::vector<Status>> statuses) mutable {
                                     EventLoop& loop = unanswered->protocol().loop();
                                     // Moved, so that it ends on the loop.
                                     loop.run([unanswered = std::move(unanswered), statuses = std::move(statuses)] {
                                       send_commit_statuses(unanswered->protocol(), unanswered->correlation_id(),
                                                            statuses);
                                     });
                                   });
}

}  // namespace logcask
