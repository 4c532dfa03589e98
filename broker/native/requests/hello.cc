// Hello: the first request. Settles the protocol version.
#include <algorithm>

#include "broker/native/requests/requests.h"
#include "broker/native/requests/wire.h"
#include "logcask/v1/native.pb.h"

namespace logcask {

void handle_hello(const NativeRequest& request) {
  const v1::HelloRequest& hello = request.header.hello();
  const std::uint32_t version = std::min(hello.max_protocol_version(), kProtocolVersionMax);
  if (version < std::max(hello.min_protocol_version(), kProtocolVersionMin)) {
    request.refuse(Error{Errc::unsupported_version,
                         "the client speaks protocol versions " + std::to_string(hello.min_protocol_version()) +
                             " to " + std::to_string(hello.max_protocol_version()) + ", this broker " +
                             std::to_string(kProtocolVersionMin) + " to " + std::to_string(kProtocolVersionMax)});
    return;
  }
  const BrokerFacts& facts = request.services().admin.facts();
  v1::ResponseHeader response;
  response.set_correlation_id(request.correlation_id);
  v1::HelloResponse& body = *response.mutable_hello();
  body.set_protocol_version(version);
  body.set_broker_version(facts.version);
  body.set_features(0);
  body.set_cluster_id(facts.cluster_id);
  body.set_max_frame_bytes(static_cast<std::uint32_t>(request.services().limits.frame_bytes));
  request.protocol.hello_done(hello.client_name());
  request.protocol.send(response);
}

}  // namespace logcask
