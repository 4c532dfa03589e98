// DeleteGroups: groups without members, with what they have committed.
#include "proto/kafka/delete_groups.h"

#include "broker/kafka/apis/apis.h"

namespace logcask {
namespace {

// Answered when the last of them is.
struct DeletingGroups {
  KafkaCall call;
  kafka::DeleteGroupsResponse response;
  std::size_t left = 0;
};

}  // namespace

void handle(KafkaCall call, const kafka::DeleteGroupsRequest& request) {
  if (request.groups_names.empty()) return call.answer(kafka::DeleteGroupsResponse());
  KafkaProtocol& protocol = call.protocol();
  const auto alive = protocol.shared_from_this();
  const auto deleting = std::shared_ptr<DeletingGroups>(new DeletingGroups{std::move(call), {}, 0});
  for (const std::string_view group : request.groups_names)
    deleting->response.results.emplace_back().group_id = std::string(group);
  deleting->left = deleting->response.results.size();
  for (std::size_t i = 0; i < deleting->response.results.size(); ++i)
    protocol.services().group_admin.remove({protocol.principal(), protocol.loop()},
                                           deleting->response.results[i].group_id, [deleting, i](const Status& status) {
                                             deleting->response.results[i].error_code = kafka_group_code(status);
                                             if (--deleting->left == 0) deleting->call.answer(deleting->response);
                                           });
}

}  // namespace logcask
