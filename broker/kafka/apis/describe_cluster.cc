// DescribeCluster: the one broker, which is the controller, too.
#include "proto/kafka/describe_cluster.h"

#include "broker/kafka/apis/allowed_operations.h"
#include "broker/kafka/apis/apis.h"

namespace logcask {

void handle(KafkaCall call, const kafka::DescribeClusterRequest& request) {
  kafka::DescribeClusterResponse response;
  response.endpoint_type = request.endpoint_type;
  response.cluster_id = call.services().admin.facts().cluster_id;
  if (request.endpoint_type != static_cast<std::int8_t>(kafka::EndpointType::broker)) {
    const bool known = request.endpoint_type == static_cast<std::int8_t>(kafka::EndpointType::controller);
    response.error_code =
        kafka_code(known ? kafka::ErrorCode::mismatched_endpoint_type : kafka::ErrorCode::unsupported_endpoint_type);
    response.error_message = "this is a broker; ask it for endpoints of type 1 (brokers)";
    return call.answer(response);
  }
  const SocketAddress address = call.protocol().reachable_at();
  response.controller_id = call.services().settings.node_id;
  response.brokers.push_back({response.controller_id, address.host, address.port, std::nullopt});
  if (request.include_cluster_authorized_operations) response.cluster_authorized_operations = kClusterOperations;
  call.answer(response);
}

}  // namespace logcask
