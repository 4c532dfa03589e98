#pragma once
// Who was told that a record is taken finds it, or what follows from it: with acks=1 that is before readers see it.

#include <memory>
#include <utility>
#include <vector>

#include "broker/kafka/apis/apis.h"

namespace logcask {

// Runs `then(KafkaCall&&)` when readers see what is written to those partitions now, on the loop, at once where they do
// already; OffsetsService::when_shown() has the bounds.
template <class Then>
void when_shown(KafkaCall call, const std::vector<OffsetQuery>& queries, Then then) {
  const OffsetsService& offsets = call.services().offsets;
  const auto behind = offsets.not_shown_yet(call.protocol().principal(), queries);
  if (behind.empty() || !call.may_wait(behind.size())) return then(std::move(call));
  KafkaProtocol& protocol = call.protocol();
  const auto alive = protocol.shared_from_this();
  const auto shared = std::make_shared<KafkaCall>(std::move(call));
  shared->open(offsets.when_shown(protocol.context(), behind, [shared, then] { then(std::move(*shared)); }));
}

}  // namespace logcask
