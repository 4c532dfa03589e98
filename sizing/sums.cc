#include "sizing/sums.h"

#include <cmath>

namespace logcask::sizing {

std::uint64_t keys_of_ram(const KeydirCost& cost, double ram_bytes, std::uint64_t key_bytes) {
  return static_cast<std::uint64_t>(std::floor(ram_bytes / cost.per_key(key_bytes)));
}

double disk_of_ram(const KeydirCost& cost, double ram_bytes, std::uint64_t key_bytes, double disk_per_key) {
  return static_cast<double>(keys_of_ram(cost, ram_bytes, key_bytes)) * disk_per_key;
}

double ram_of_disk(const KeydirCost& cost, double disk_bytes, std::uint64_t key_bytes, double disk_per_key) {
  return disk_bytes / disk_per_key * cost.per_key(key_bytes);
}

}  // namespace logcask::sizing
