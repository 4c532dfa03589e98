// InitProducerId: a new producer id, or the next epoch of one.
#include "broker/native/requests/requests.h"
#include "broker/native/requests/wire.h"
#include "logcask/v1/native.pb.h"

namespace logcask {

void handle_init_producer_id(const NativeRequest& request) {
  const v1::InitProducerIdRequest& wanted = request.header.init_producer_id();
  const std::int32_t epoch = wanted.producer_epoch();
  if (epoch < -1 || epoch > INT16_MAX)
    return request.refuse(Error{Errc::invalid_argument, "producer epochs are -1 to " + std::to_string(INT16_MAX)});
  in_background(
      request,
      [&service = request.services().producer_ids, principal = request.protocol.principal(),
       id = ProducerId(wanted.producer_id()),
       epoch] { return service.init(principal, id, static_cast<std::int16_t>(epoch)); },
      [](NativeProtocol& protocol, std::uint64_t correlation_id, Result<ProducerIdentity> identity) {
        if (!identity.ok()) return protocol.send_error(correlation_id, identity.error());
        v1::ResponseHeader response;
        response.set_correlation_id(correlation_id);
        response.mutable_init_producer_id()->set_producer_id(identity->id.value());
        response.mutable_init_producer_id()->set_producer_epoch(identity->epoch);
        protocol.send(response);
      });
}

}  // namespace logcask
