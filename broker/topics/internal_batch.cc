#include "broker/topics/internal_batch.h"

#include <future>
#include <memory>
#include <utility>

#include "partition/prepare.h"
#include "proto/record_batch.h"

namespace logcask {

Result<Offset> append_internal(PartitionRunner& runner, const std::vector<InternalRecord>& records, TimestampMs now,
                               const KeyHasher& hasher) {
  BatchBuilder builder(Offset(0));
  std::int64_t index = 0;
  for (const InternalRecord& record : records)
    builder.add(Offset(index++), now, ByteView(record.key),
                record.value ? std::optional<ByteView>(*record.value) : std::nullopt);
  std::string bytes;
  LOGCASK_TRY(builder.finish(bytes));
  LOGCASK_ASSIGN(PreparedBatch prepared, prepare_batch(bytes, PartitionConfig(), hasher));
  // Shared: whoever sets it may still be at it when this goes on.
  const auto promise = std::make_shared<std::promise<AppendResult>>();
  runner.append(std::move(prepared), Acks::all,
                [promise](AppendResult appended) { promise->set_value(std::move(appended)); });
  const AppendResult appended = promise->get_future().get();
  LOGCASK_TRY(appended.error);
  return appended.base_offset;
}

}  // namespace logcask
