#pragma once
// What a client may do, as answers show it to clients that ask: one bit an operation, by Kafka's numbers. Nobody is
// refused an operation on this listener, so it is all that Kafka has for the kind of thing.

#include <cstdint>

namespace logcask {

// read, write, create, delete, alter, describe, describe and alter settings
inline constexpr std::int32_t kTopicOperations =
    1 << 3 | 1 << 4 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 10 | 1 << 11;
// read, delete, describe
inline constexpr std::int32_t kGroupOperations = 1 << 3 | 1 << 6 | 1 << 8;
// create, alter, describe, cluster action, describe and alter settings, idempotent write
inline constexpr std::int32_t kClusterOperations = 1 << 5 | 1 << 7 | 1 << 8 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 12;

}  // namespace logcask
