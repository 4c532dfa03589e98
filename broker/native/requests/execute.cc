// From the request's kind to its handler.
#include "broker/native/requests/requests.h"
#include "logcask/v1/native.pb.h"

namespace logcask {

void execute_request(const NativeRequest& request) {
  using Kind = v1::RequestHeader;
  switch (request.header.body_case()) {
    case Kind::kHello:
      return handle_hello(request);
    case Kind::kMetadata:
      return handle_metadata(request);
    case Kind::kCreateTopic:
      return handle_create_topic(request);
    case Kind::kAlterTopic:
      return handle_alter_topic(request);
    case Kind::kCreatePartitions:
      return handle_create_partitions(request);
    case Kind::kDeleteTopic:
      return handle_delete_topic(request);
    case Kind::kDescribeTopic:
      return handle_describe_topic(request);
    case Kind::kProduce:
      return handle_produce(request);
    case Kind::kFetch:
      return handle_fetch(request);
    case Kind::kListOffsets:
      return handle_list_offsets(request);
    case Kind::kGet:
      return handle_get(request);
    case Kind::kWatch:
      return handle_watch(request);
    case Kind::kReplay:
      return handle_replay(request);
    case Kind::kBackup:
      return handle_backup(request);
    case Kind::kInitProducerId:
      return handle_init_producer_id(request);
    case Kind::kCommitOffsets:
      return handle_commit_offsets(request);
    case Kind::kFetchOffsets:
      return handle_fetch_offsets(request);
    case Kind::kListGroups:
      return handle_list_groups(request);
    case Kind::kDeleteRecords:
      return handle_delete_records(request);
    case Kind::kCompact:
      return handle_compact(request);
    case Kind::kSegments:
      return handle_segments(request);
    case Kind::kReopen:
      return handle_reopen(request);
    case Kind::kDescribeBroker:
      return handle_describe_broker(request);
    case Kind::kCancel:
      return handle_cancel(request);
    case Kind::kCredit:
      return handle_credit(request);
    case Kind::kJoinGroup:
      return handle_join_group(request);
    case Kind::kSyncGroup:
      return handle_sync_group(request);
    case Kind::kHeartbeat:
      return handle_heartbeat(request);
    case Kind::kLeaveGroup:
      return handle_leave_group(request);
    case Kind::BODY_NOT_SET:
      break;
  }
  request.refuse(Error{Errc::unknown_request, "this broker does not know the request's kind; is the client newer?"});
}

bool may_open_stream(const NativeRequest& request) {
  const std::size_t most = request.services().native_limits.streams;
  if (request.protocol.open_calls() < most) return true;
  request.refuse(Error{Errc::limit_exceeded, "the connection has " + std::to_string(most) +
                                                 " open streams (connection.streams.max); close one or use another "
                                                 "connection"});
  return false;
}

}  // namespace logcask
