#pragma once
// A live topic as a workload: its keys, bytes, partitions and settings, and the broker's budget.

#include <cstdint>
#include <string>

#include "base/result.h"
#include "cli/workload_file.h"
#include "logcask/client.h"

namespace logcask::cli {

// What the broker does not know stays at its default: the length of keys (a keydir does not hold them), the copies,
// what may be lost. unknown_topic; unsupported: the topic has no keydir; loading, partition_offline: not all of its
// keys are counted. What a record has beside a key of `key_bytes` is taken for its value; that is reckoned, not told.
Result<ToldWorkload> topic_workload(const client::Client& client, const std::string& topic, std::uint64_t key_bytes);

// Once flags are set: a broker bounds topics and itself, so a partition may take what the node gives, unless told.
void free_partitions(ToldWorkload& told);

}  // namespace logcask::cli
