#include "broker/services/committed_values.h"

#include <string>
#include <utility>

#include "broker/door/committed_records.h"

namespace logcask {
namespace {

using Value = std::optional<OffsetCommitValue>;

Result<Value> decode_committed(const std::optional<ByteView>& bytes) {
  if (!bytes) return Value();
  LOGCASK_ASSIGN(OffsetCommitValue value, decode_offset_commit_value(*bytes));
  return Value(std::move(value));
}

Result<Value> value_of(const LookupAnswer& answer) {
  if (answer.status == LookupAnswer::Status::failed) return answer.error;
  if (answer.status != LookupAnswer::Status::found) return Value();
  return decode_committed(answer.value);
}

// Of the key `encoded`, whose newest readable record was seen at `at`. When that is gone or has become unreadable
// since, the whole log is read for what is left.
Result<Value> value_behind_damage(PartitionRunner& offsets, ByteView encoded, Offset at) {
  if (at == kNoOffset) return Value();
  std::optional<Result<Value>> newest;
  const auto keep = [&](const RecordView& record) {
    if (record.key && *record.key == encoded) newest = decode_committed(record.value);
  };
  const auto batch = offsets.fetch(at, 1);
  if (batch.ok())
    for (const ByteView piece : batch->pieces)
      LOGCASK_TRY(for_each_record(piece, [&](const RecordView& record) {
        if (record.offset == at) keep(record);
      }));
  else if (!is_damage(batch.code()))
    return batch.error();
  if (!newest) LOGCASK_TRY(for_each_readable_record(offsets, keep, [](Offset, Offset, const Error&) {}));
  return newest ? *std::move(newest) : Value();
}

}  // namespace

Result<std::vector<std::optional<OffsetCommitValue>>> read_committed_values(PartitionRunner& offsets,
                                                                            const std::vector<OffsetCommitKey>& keys,
                                                                            const NewestReadable& newest_readable) {
  std::vector<std::string> encoded;
  for (const OffsetCommitKey& key : keys) encoded.push_back(encode_offset_commit_key(key));
  const std::vector<ByteView> views(encoded.begin(), encoded.end());
  std::vector<Value> values(keys.size());
  std::vector<std::size_t> hidden;
  Status failure;
  offsets.get(views, false, [&](std::size_t index, const LookupAnswer& answer) {
    auto value = value_of(answer);
    if (value.ok())
      values[index] = std::move(value).value();
    else if (is_damage(value.code()))
      hidden.push_back(index);
    else
      failure = std::move(value).error();
  });
  LOGCASK_TRY(std::move(failure));
  for (const std::size_t index : hidden) {
    LOGCASK_ASSIGN(const Offset at, newest_readable(keys[index]));
    LOGCASK_ASSIGN(values[index], value_behind_damage(offsets, encoded[index], at));
  }
  return values;
}

}  // namespace logcask
