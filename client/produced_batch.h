#pragma once
// A batch of a producer from its first record to its answer. Owned by the accumulator and, while its bytes
// travel, by the message that carries them.

#include <cstdint>
#include <memory>
#include <vector>

#include "client/batch_buffer.h"
#include "client/buffer_pool.h"
#include "logcask/producer.h"

namespace logcask::client {

struct RecordCallback {
  std::uint32_t index = 0;
  TimestampMs timestamp;
  DeliveryCallback callback;
};

struct RecordCondition {
  std::uint32_t index = 0;
  Condition condition;
};

struct ProducedBatch {
  ~ProducedBatch() {
    if (pool) pool->give(buffer.release_storage());
  }

  std::uint64_t serial = 0;  // parts of a split batch share it
  PartitionId partition;
  BatchBuffer buffer;
  std::shared_ptr<BufferPool> pool;
  std::vector<RecordCondition> conditions;  // not empty: the batch travels alone
  std::vector<RecordCallback> callbacks;
  bool by_key = false;  // no record in it has a partition of its user's choice
  std::int64_t opened_ns = 0;
  std::size_t charged_bytes = 0;  // of buffer_bytes

  bool sequenced = false;
  BatchIdentity identity;
  bool fate_unknown = false;  // it left, and no answer says whether it was written

  bool conditional() const { return !conditions.empty(); }
};
using BatchPtr = std::shared_ptr<ProducedBatch>;

// A batch of the records with keep[index], their conditions and callbacks; callbacks are moved out of `from`.
BatchPtr subset_of(ProducedBatch& from, const std::vector<bool>& keep);

}  // namespace logcask::client
