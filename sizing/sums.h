#pragma once
// The sums the other way round: from RAM to keys and to disk, and from disk to the RAM that fills it.

#include <cstdint>

#include "sizing/keydir_cost.h"

namespace logcask::sizing {

// Whole keys that the RAM has room for.
std::uint64_t keys_of_ram(const KeydirCost& cost, double ram_bytes, std::uint64_t key_bytes);
// Disk that those keys take: a record each, and its hint where the model has hints.
double disk_of_ram(const KeydirCost& cost, double ram_bytes, std::uint64_t key_bytes, double disk_per_key);
// RAM for as many keys as fill the disk.
double ram_of_disk(const KeydirCost& cost, double disk_bytes, std::uint64_t key_bytes, double disk_per_key);

}  // namespace logcask::sizing
