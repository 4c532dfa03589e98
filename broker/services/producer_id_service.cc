#include "broker/services/producer_id_service.h"

#include "broker/services/counted.h"

namespace logcask {
namespace {

constexpr std::int64_t kIdsPerBlock = 1000;

}  // namespace

Result<ProducerIdentity> ProducerIdService::init(const Principal& principal, ProducerId id, std::int16_t epoch) {
  return counted(parts_, ServiceName::producer_ids, [&]() -> Result<ProducerIdentity> {
    LOGCASK_TRY(parts_.authorizer.authorize(principal, Operation::write, {ResourceKind::broker, ""}));
    if (id != kNoProducer && epoch >= 0 && epoch < INT16_MAX - 1)
      return ProducerIdentity{id, static_cast<std::int16_t>(epoch + 1)};
    const std::lock_guard lock(mutex_);
    if (next_ == block_end_) {
      LOGCASK_ASSIGN(next_, metadata_.reserve_producer_ids(kIdsPerBlock));
      block_end_ = next_ + kIdsPerBlock;
    }
    return ProducerIdentity{ProducerId(next_++), 0};
  });
}

}  // namespace logcask
