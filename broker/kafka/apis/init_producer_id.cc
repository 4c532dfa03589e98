// InitProducerId: an identity for an idempotent producer.
#include "proto/kafka/init_producer_id.h"

#include "broker/kafka/apis/apis.h"

namespace logcask {

void handle(KafkaCall call, const kafka::InitProducerIdRequest& request) {
  kafka::InitProducerIdResponse refused;
  if (request.transactional_id) {
    refused.error_code = kafka_code(kafka::ErrorCode::transactional_id_authorization_failed);
    return call.answer(refused);
  }
  const ProducerId id(request.producer_id);
  in_background(
      std::move(call),
      [&ids = call.services().producer_ids, principal = call.protocol().principal(), id,
       epoch = request.producer_epoch] { return ids.init(principal, id, epoch); },
      [](KafkaCall& owed, const Result<ProducerIdentity>& identity) {
        kafka::InitProducerIdResponse response;
        if (identity.ok()) {
          response.producer_id = identity->id.value();
          response.producer_epoch = identity->epoch;
        } else {
          response.error_code = kafka_code(to_kafka(identity.code()));
        }
        owed.answer(response);
      });
}

}  // namespace logcask
