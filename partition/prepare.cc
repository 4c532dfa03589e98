#include "partition/prepare.h"

namespace logcask {
namespace {

BatchRules rules_of(const PartitionConfig& config) {
  BatchRules rules;
  rules.keys_required = config.compacted;
  rules.max_batch_bytes = static_cast<std::size_t>(config.max_message_bytes);
  rules.max_decompressed_bytes = static_cast<std::size_t>(config.max_decompressed_bytes);
  // What is kept of a record while it is checked is about as much.
  constexpr std::size_t kBytesPerRecord = 64;
  rules.max_records = rules.max_decompressed_bytes / kBytesPerRecord;
  return rules;
}

// The same records under another codec, the producer's fields kept.
Result<std::string> reencode(const CheckedBatch& checked, Compression codec) {
  const BatchHeader& header = checked.header;
  BatchBuilder::Options options;
  options.compression = codec;
  options.producer_id = header.producer_id;
  options.producer_epoch = header.producer_epoch;
  options.base_sequence = header.base_sequence;
  BatchBuilder builder(header.base_offset, options);
  const ByteView section = header.compression() == Compression::none ? checked.batch.substr(kBatchHeaderBytes)
                                                                     : ByteView(checked.decompressed);
  RecordCursor cursor(header, section);
  RecordView record;
  while (true) {
    LOGCASK_ASSIGN(const bool more, cursor.next(record));
    if (!more) break;
    builder.add(record);
  }
  std::string bytes;
  LOGCASK_TRY(builder.finish(bytes));
  return bytes;
}

}  // namespace

Result<PreparedBatch> prepare_batch(ByteView bytes, const PartitionConfig& config, const KeyHasher& hasher,
                                    std::vector<Condition> conditions) {
  PreparedBatch prepared;
  prepared.conditions = std::move(conditions);
  BatchRules rules = rules_of(config);
  LOGCASK_ASSIGN(prepared.checked, check_produced_batch(bytes, rules));
  if (config.compression && *config.compression != prepared.checked->header.compression()) {
    LOGCASK_ASSIGN(std::string reencoded, reencode(*prepared.checked, *config.compression));
    // The producer's limit was kept; taking a codec away may grow the batch past it.
    rules.max_batch_bytes = std::max(rules.max_batch_bytes, reencoded.size());
    prepared.reencoded = std::move(reencoded);
    LOGCASK_ASSIGN(prepared.checked, check_produced_batch(prepared.reencoded, rules));
  }
  if (config.compacted) {
    prepared.identities.reserve(prepared.checked->records.size());
    for (const CheckedRecord& record : prepared.checked->records)
      prepared.identities.push_back(hasher.identity(record.key));
  }
  return prepared;
}

}  // namespace logcask
