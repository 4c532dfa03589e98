#include "client/produced_batch.h"

#include "base/check.h"

namespace logcask::client {

BatchPtr subset_of(ProducedBatch& from, const std::vector<bool>& keep) {
  auto subset = std::make_shared<ProducedBatch>();
  subset->serial = from.serial;
  subset->partition = from.partition;
  subset->by_key = from.by_key;
  subset->opened_ns = from.opened_ns;
  std::vector<std::uint32_t> new_index(from.buffer.count(), 0);
  RecordCursor cursor(from.buffer.walk_header(), from.buffer.records());
  logcask::RecordView record;
  for (std::uint32_t index = 0; index < from.buffer.count(); ++index) {
    const Result<bool> more = cursor.next(record);
    LOGCASK_CHECK(more.ok() && *more);  // our own encoding
    if (keep[index]) new_index[index] = subset->buffer.append(record);
  }
  for (const RecordCondition& condition : from.conditions)
    if (keep[condition.index]) subset->conditions.push_back({new_index[condition.index], condition.condition});
  for (RecordCallback& callback : from.callbacks)
    if (keep[callback.index])
      subset->callbacks.push_back({new_index[callback.index], callback.timestamp, std::move(callback.callback)});
  std::erase_if(from.callbacks, [&](const RecordCallback& callback) { return keep[callback.index]; });
  subset->charged_bytes = subset->buffer.size_bytes();
  return subset;
}

}  // namespace logcask::client
