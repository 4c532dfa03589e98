// Metadata: which topics there are, and where clients reach this broker.
#include "broker/native/requests/requests.h"
#include "broker/native/requests/wire.h"
#include "logcask/v1/native.pb.h"

namespace logcask {
namespace {

void list_topic(const Topic& topic, v1::MetadataResponse::Topic& out) {
  out.set_name(topic.record.name);
  out.set_topic_id(id_bytes(topic.record.id));
  out.set_partitions(static_cast<std::uint32_t>(topic.partitions.size()));
  out.set_internal(topic.internal);
  out.set_compacted(topic.config.partition.compacted);
  out.set_partitioner(std::string(partitioner_name(topic.config.partitioner)));
}

}  // namespace

void handle_metadata(const NativeRequest& request) {
  const v1::MetadataRequest& wanted = request.header.metadata();
  const AdminService& admin = request.services().admin;
  v1::ResponseHeader response;
  response.set_correlation_id(request.correlation_id);
  v1::MetadataResponse& body = *response.mutable_metadata();
  if (wanted.topics().empty()) {
    for (const TopicPtr& topic : admin.list_topics(request.protocol.principal(), wanted.include_internal()))
      list_topic(*topic, *body.add_topics());
  }
  for (const std::string& name : wanted.topics()) {
    v1::MetadataResponse::Topic& out = *body.add_topics();
    const auto topic = admin.describe_topic(request.protocol.principal(), name);
    if (topic.ok()) {
      list_topic(**topic, out);
    } else {
      out.set_name(name);
      set_error(out.mutable_error(), topic.error());
    }
  }
  body.set_advertised_host(admin.facts().advertised_host);
  body.set_advertised_port(admin.facts().advertised_port);
  request.protocol.send(response);
}

}  // namespace logcask
