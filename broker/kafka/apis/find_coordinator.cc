// FindCoordinator: this broker, whoever asks for what.
#include "proto/kafka/find_coordinator.h"

#include "broker/kafka/apis/apis.h"

namespace logcask {
namespace {

// The older versions' answer has the same fields.
template <class Answer>
void put_coordinator(const KafkaCall& call, std::int8_t kind, Answer& out) {
  // Of transactions, too, though there are none: whoever asks learns that from InitProducerId.
  if (kind != static_cast<std::int8_t>(kafka::CoordinatorKind::group) &&
      kind != static_cast<std::int8_t>(kafka::CoordinatorKind::transaction)) {
    out.error_code = kafka_code(kafka::ErrorCode::invalid_request);
    out.error_message = "coordinators are of groups (0) and transactions (1), not of kind " + std::to_string(kind);
    return;
  }
  const SocketAddress address = call.protocol().reachable_at();
  out.node_id = call.services().settings.node_id;
  out.host = address.host;
  out.port = address.port;
}

}  // namespace

void handle(KafkaCall call, const kafka::FindCoordinatorRequest& request) {
  constexpr std::int16_t kSeveralKeys = 4;
  kafka::FindCoordinatorResponse response;
  if (call.version() < kSeveralKeys) {
    put_coordinator(call, request.key_type, response);
    return call.answer(response);
  }
  for (const std::string_view key : request.coordinator_keys) {
    auto& out = response.coordinators.emplace_back();
    out.key = key;
    put_coordinator(call, request.key_type, out);
  }
  call.answer(response);
}

}  // namespace logcask
