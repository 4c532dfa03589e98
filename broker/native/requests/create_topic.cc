// CreateTopic: makes directories, opens the partitions, records the topic.
#include "broker/native/requests/requests.h"
#include "broker/native/requests/wire.h"
#include "logcask/v1/native.pb.h"

namespace logcask {

void handle_create_topic(const NativeRequest& request) {
  AdminService& admin = request.services().admin;
  const v1::CreateTopicRequest wanted = request.header.create_topic();
  in_background(
      request,
      [&admin, principal = request.protocol.principal(), wanted] {
        return admin.create_topic(principal, wanted.name(), wanted.partitions(), to_settings(wanted.config()),
                                  wanted.if_not_exists());
      },
      [](NativeProtocol& protocol, std::uint64_t correlation_id, Result<Topics::Created> created) {
        if (!created.ok()) return protocol.send_error(correlation_id, created.error());
        v1::ResponseHeader response;
        response.set_correlation_id(correlation_id);
        v1::CreateTopicResponse& body = *response.mutable_create_topic();
        body.set_topic_id(id_bytes(created->topic->record.id));
        body.set_partitions(created->topic->record.partitions);
        body.set_existed(created->existed);
        protocol.send(response);
      });
}

}  // namespace logcask
