#include "broker/topics/internal_batch.h"

#include <future>
#include <memory>
#include <utility>

#include "partition/prepare.h"
#include "proto/record_batch.h"

namespace logcask {
namespace {

Result<std::string> to_batch(const std::vector<InternalRecord>& records, TimestampMs now) {
  BatchBuilder builder(Offset(0));
  std::int64_t index = 0;
  for (const InternalRecord& record : records)
    builder.add(Offset(index++), now, ByteView(record.key),
                record.value ? std::optional<ByteView>(*record.value) : std::nullopt);
  std::string bytes;
  LOGCASK_TRY(builder.finish(bytes));
  return bytes;
}

}  // namespace

void append_internal(PartitionRunner& runner, const std::vector<InternalRecord>& records, TimestampMs now,
                     const KeyHasher& hasher, std::function<void(Result<Offset>)> done) {
  // Until the append returns, what was prepared lies in these bytes.
  const auto bytes = to_batch(records, now);
  if (!bytes.ok()) return done(bytes.error());
  auto prepared = prepare_batch(*bytes, PartitionConfig(), hasher);
  if (!prepared.ok()) return done(std::move(prepared).error());
  runner.append(std::move(prepared).value(), Acks::all, [done = std::move(done)](const AppendResult& appended) {
    done(appended.error.ok() ? Result<Offset>(appended.base_offset) : Result<Offset>(appended.error.error()));
  });
}

Result<Offset> append_internal(PartitionRunner& runner, const std::vector<InternalRecord>& records, TimestampMs now,
                               const KeyHasher& hasher) {
  // Shared: whoever sets it may still be at it when this goes on.
  const auto promise = std::make_shared<std::promise<Result<Offset>>>();
  append_internal(runner, records, now, hasher,
                  [promise](Result<Offset> appended) { promise->set_value(std::move(appended)); });
  return promise->get_future().get();
}

}  // namespace logcask
