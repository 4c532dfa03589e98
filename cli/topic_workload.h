#pragma once
// A live topic as a workload: its keys, bytes, partitions and settings, and the broker's budget.

#include <cstdint>
#include <string>

#include "base/result.h"
#include "cli/workload_file.h"
#include "logcask/client.h"

namespace logcask::cli {

// What the broker does not know stays at its default: the length of keys (a keydir does not hold them), the copies,
// what may be lost. unknown_topic; unsupported: the topic has no keydir; loading: its keys are not counted yet. What a
// record has beside a key of `key_bytes` is taken for its value.
Result<ToldWorkload> topic_workload(const client::Client& client, const std::string& topic, std::uint64_t key_bytes);

}  // namespace logcask::cli
