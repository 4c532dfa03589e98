#include "broker/internal_batch.h"

#include <future>
#include <utility>

#include "partition/prepare.h"
#include "proto/record_batch.h"

namespace logcask {

Result<std::unique_ptr<InternalBatch>> make_internal_batch(const std::vector<InternalRecord>& records, TimestampMs now,
                                                           const KeyHasher& hasher) {
  auto batch = std::make_unique<InternalBatch>();
  BatchBuilder builder(Offset(0));
  std::int64_t index = 0;
  for (const InternalRecord& record : records)
    builder.add(Offset(index++), now, ByteView(record.key),
                record.value ? std::optional<ByteView>(*record.value) : std::nullopt);
  LOGCASK_TRY(builder.finish(batch->bytes));
  LOGCASK_ASSIGN(batch->prepared, prepare_batch(batch->bytes, PartitionConfig(), hasher));
  return batch;
}

Status append_internal(PartitionRunner& runner, const std::vector<InternalRecord>& records, TimestampMs now,
                       const KeyHasher& hasher) {
  LOGCASK_ASSIGN(const auto batch, make_internal_batch(records, now, hasher));
  std::promise<AppendResult> promise;
  auto result = promise.get_future();
  runner.append(std::move(batch->prepared), Acks::all,
                [&promise](AppendResult appended) { promise.set_value(std::move(appended)); });
  return result.get().error;
}

}  // namespace logcask
