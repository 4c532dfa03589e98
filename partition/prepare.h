#pragma once
// From the bytes a client sent to a batch that may be appended: the one check, the re-encoding a topic asks for
// (compression.type other than `producer`), and the identities of its keys. Done before the partition's lock is taken.

#include <cstdint>
#include <optional>
#include <vector>

#include "base/key_hash.h"
#include "base/result.h"
#include "partition/append_types.h"
#include "partition/config.h"

namespace logcask {

// `bytes` must outlive the result unless it is re-encoded. Errors are check_produced_batch's.
Result<PreparedBatch> prepare_batch(ByteView bytes, const PartitionConfig& config, const KeyHasher& hasher,
                                    std::vector<Condition> conditions = {});

// For threads that serve others meanwhile: at most kQuickBatchBytes of records, kQuickSmallBytes where they are
// encoded anew, and kQuickBatchRecords of them, which takes a few milliseconds; and what unpacks to more than
// kQuickRatio times its size (but kQuickSmallBytes) is more likely a bomb than records. nullopt: it is more;
// `conditions` is as it was, and prepare_batch() can be called where nobody waits for the thread.
inline constexpr std::size_t kQuickBatchBytes = 1u << 20;
inline constexpr std::size_t kQuickSmallBytes = 64u << 10;
inline constexpr std::size_t kQuickBatchRecords = 16384;
inline constexpr std::size_t kQuickRatio = 8;
Result<std::optional<PreparedBatch>> prepare_quick_batch(ByteView bytes, const PartitionConfig& config,
                                                         const KeyHasher& hasher, std::vector<Condition>& conditions);

// Of a batch that one of the two refused as invalid_record: the records without a key, where the topic wants one in
// each and nothing else is wrong. Checks the batch anew.
std::vector<std::uint32_t> keyless_records(ByteView bytes, const PartitionConfig& config);

}  // namespace logcask
