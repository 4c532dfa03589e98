#include "partition/prepare.h"

#include <algorithm>
#include <utility>

namespace logcask {
namespace {

BatchRules rules_of(const PartitionConfig& config) {
  BatchRules rules;
  rules.keys_required = config.compacted || config.keys_required;
  rules.max_batch_bytes = static_cast<std::size_t>(config.max_message_bytes);
  rules.max_batch_setting = config.max_message_setting;
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

bool reencodes(const PartitionConfig& config, const BatchHeader& header) {
  return config.compression && *config.compression != header.compression();
}

// `header`, when there is one, is that of a batch which is not too large.
Result<PreparedBatch> prepare(ByteView bytes, const BatchHeader* header, const PartitionConfig& config,
                              BatchRules rules, const KeyHasher& hasher) {
  PreparedBatch prepared;
  prepared.placement = config.placement;
  prepared.keys_checked = rules.keys_required;
  auto checked = header ? check_produced_batch(*header, bytes, rules) : check_produced_batch(bytes, rules);
  LOGCASK_ASSIGN(prepared.checked, std::move(checked));
  if (reencodes(config, prepared.checked->header)) {
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

// As far as the sizes tell. What is compressed is taken to be at least twice as large.
bool surely_slow(const BatchHeader& header, std::size_t bytes, std::size_t quick_bytes) {
  if (header.record_count > static_cast<std::int64_t>(kQuickBatchRecords)) return true;
  return bytes > (header.compression() == Compression::none ? quick_bytes + kBatchHeaderBytes : quick_bytes / 2);
}

}  // namespace

Result<PreparedBatch> prepare_batch(ByteView bytes, const PartitionConfig& config, const KeyHasher& hasher,
                                    std::vector<Condition> conditions) {
  LOGCASK_ASSIGN(PreparedBatch prepared, prepare(bytes, nullptr, config, rules_of(config), hasher));
  prepared.conditions = std::move(conditions);
  return prepared;
}

Result<std::optional<PreparedBatch>> prepare_quick_batch(ByteView bytes, const PartitionConfig& config,
                                                         const KeyHasher& hasher, std::vector<Condition>& conditions) {
  BatchRules rules = rules_of(config);
  const auto header = decode_batch_header(bytes);
  // Otherwise it is refused before anything is unpacked.
  const bool would_unpack = header.ok() && bytes.size() <= rules.max_batch_bytes;
  if (would_unpack) {
    const std::size_t quick_bytes = reencodes(config, *header) ? kQuickSmallBytes : kQuickBatchBytes;
    if (surely_slow(*header, bytes.size(), quick_bytes)) return std::optional<PreparedBatch>();
    rules.max_decompressed_bytes =
        std::min({rules.max_decompressed_bytes, quick_bytes, std::max(kQuickSmallBytes, kQuickRatio * bytes.size())});
  }
  auto prepared = prepare(bytes, would_unpack ? &*header : nullptr, config, rules, hasher);
  if (prepared.code() == Errc::message_too_large && would_unpack) return std::optional<PreparedBatch>();
  if (!prepared.ok()) return std::move(prepared).error();
  prepared->conditions = std::move(conditions);
  return std::optional<PreparedBatch>(std::move(*prepared));
}

std::vector<std::uint32_t> keyless_records(ByteView bytes, const PartitionConfig& config) {
  BatchRules rules = rules_of(config);
  if (!std::exchange(rules.keys_required, false)) return {};
  const auto checked = check_produced_batch(bytes, rules);
  if (!checked.ok()) return {};
  const std::vector<CheckedRecord>& records = (*checked)->records;
  std::vector<std::uint32_t> keyless;
  for (std::size_t i = 0; i < records.size(); ++i)
    if (!records[i].has_key) keyless.push_back(static_cast<std::uint32_t>(i));
  return keyless;
}

}  // namespace logcask
