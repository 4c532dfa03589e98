// InitProducerId: an identity for an idempotent producer.
#include "proto/kafka/init_producer_id.h"

#include "broker/kafka/apis/apis.h"

namespace logcask {
namespace {

kafka::InitProducerIdResponse no_producer(kafka::ErrorCode why) {
  kafka::InitProducerIdResponse refused;
  refused.error_code = kafka_code(why);
  refused.producer_epoch = -1;
  return refused;
}

}  // namespace

void handle(KafkaCall call, const kafka::InitProducerIdRequest& request) {
  if (request.transactional_id)
    return call.answer(no_producer(request.transactional_id->empty()
                                       ? kafka::ErrorCode::invalid_request
                                       : kafka::ErrorCode::transactional_id_authorization_failed));
  const ProducerId id(request.producer_id);
  in_background(
      std::move(call),
      [&ids = call.services().producer_ids, principal = call.protocol().principal(), id,
       epoch = request.producer_epoch] { return ids.init(principal, id, epoch); },
      [](KafkaCall& owed, const Result<ProducerIdentity>& identity) {
        if (!identity.ok()) return owed.answer(no_producer(to_kafka(identity.code())));
        kafka::InitProducerIdResponse response;
        response.producer_id = identity->id.value();
        response.producer_epoch = identity->epoch;
        owed.answer(response);
      });
}

}  // namespace logcask
