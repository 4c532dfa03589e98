#pragma once
// InitProducerId: an identity for an idempotent producer (KIP-98); with the one it has, the next epoch (KIP-360).

#include "proto/kafka/fields.h"

namespace logcask::kafka {

struct InitProducerIdRequest {
  std::optional<std::string_view> transactional_id;
  std::int32_t transaction_timeout_ms = 0;
  std::int64_t producer_id = -1;
  std::int16_t producer_epoch = -1;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("TransactionalId", self.transactional_id, always().nullable());
    io("TransactionTimeoutMs", self.transaction_timeout_ms);
    io("ProducerId", self.producer_id, since(3));
    io("ProducerEpoch", self.producer_epoch, since(3));
  }
};

struct InitProducerIdResponse {
  std::int32_t throttle_time_ms = 0;
  std::int16_t error_code = 0;
  std::int64_t producer_id = -1;
  std::int16_t producer_epoch = 0;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("ThrottleTimeMs", self.throttle_time_ms);
    io("ErrorCode", self.error_code);
    io("ProducerId", self.producer_id);
    io("ProducerEpoch", self.producer_epoch);
  }
};

}  // namespace logcask::kafka
