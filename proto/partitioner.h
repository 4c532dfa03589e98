#pragma once
// From a key to its partition, as the clients of the Kafka world do it: the topic setting `partitioner`.
// Pure functions, bit for bit those of Kafka's Java client, librdkafka and sarama.

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "base/types.h"

namespace logcask {

enum class Partitioner : std::uint8_t {
  any,      // producers differ: a key may be in every partition
  murmur2,  // Java client and ours
  crc32,    // librdkafka "consistent"
  fnv1a,    // sarama's hash partitioner
};

std::string_view partitioner_name(Partitioner partitioner);
// "any", "murmur2", "crc32" or "fnv1a"; invalid_argument otherwise.
Result<Partitioner> partitioner_from_name(std::string_view name);

// Where `key` goes among `partition_count` > 0 partitions. `any` maps as murmur2, which is what our producers use.
PartitionId partition_for_key(Partitioner partitioner, ByteView key, int partition_count);

// The hashes themselves. Kafka's murmur2 has the seed 0x9747b28c; crc32 is zlib's; fnv1a is the 32-bit one.
std::uint32_t murmur2(ByteView bytes);
std::uint32_t crc32_ieee(ByteView bytes);
std::uint32_t fnv1a_32(ByteView bytes);

}  // namespace logcask
