// ListOffsets: where a partition starts and ends, and where a time lies in it.
#include <algorithm>

#include "broker/native/requests/requests.h"
#include "broker/native/requests/wire.h"
#include "logcask/v1/native.pb.h"

namespace logcask {
namespace {

using Answers = std::vector<Result<OffsetAnswer>>;

void answer(NativeProtocol& protocol, std::uint64_t correlation_id, const Answers& answers) {
  ArenaMessage<v1::ResponseHeader> response;
  response->set_correlation_id(correlation_id);
  v1::ListOffsetsResponse& body = *response->mutable_list_offsets();
  for (const auto& one : answers) {
    v1::ListOffsetsResponse::Partition& out = *body.add_partitions();
    out.set_offset(-1);
    out.set_timestamp_ms(-1);
    if (!one.ok()) {
      set_error(out.mutable_error(), one.error());
      continue;
    }
    out.set_offset(one->offset.value());
    out.set_timestamp_ms(one->timestamp.value());
    out.set_leader_epoch(one->leader_epoch.value());
  }
  protocol.send(*response);
}

}  // namespace

void handle_list_offsets(const NativeRequest& request) {
  std::vector<OffsetQuery> queries;
  for (const auto& wire : request.header.list_offsets().partitions())
    queries.push_back({wire.topic(), partition_from_wire(wire.partition()), wire.timestamp_ms()});
  const OffsetsService& service = request.services().offsets;
  const auto find_all = [&service, principal = request.protocol.principal(), queries = std::move(queries)] {
    Answers answers;
    for (const OffsetQuery& query : queries) answers.push_back(service.find(principal, query));
    return answers;
  };
  const auto& partitions = request.header.list_offsets().partitions();
  const bool by_time =
      std::any_of(partitions.begin(), partitions.end(), [](const auto& wire) { return wire.timestamp_ms() >= 0; });
  if (by_time) return in_background(request, find_all, answer);
  answer(request.protocol, request.correlation_id, find_all());
}

}  // namespace logcask
