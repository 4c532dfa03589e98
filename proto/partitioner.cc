#include "proto/partitioner.h"

#include <array>
#include <cstring>
#include <string>

namespace logcask {
namespace {

constexpr std::array<std::uint32_t, 256> make_crc32_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xedb88320u : 0u);
    table[i] = crc;
  }
  return table;
}
constexpr auto kCrc32Table = make_crc32_table();

std::uint8_t byte_at(ByteView bytes, std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); }

}  // namespace

std::string_view partitioner_name(Partitioner partitioner) {
  switch (partitioner) {
    case Partitioner::any:
      return "any";
    case Partitioner::murmur2:
      return "murmur2";
    case Partitioner::crc32:
      return "crc32";
    case Partitioner::fnv1a:
      return "fnv1a";
  }
  return "any";
}

Result<Partitioner> partitioner_from_name(std::string_view name) {
  for (const auto known : {Partitioner::any, Partitioner::murmur2, Partitioner::crc32, Partitioner::fnv1a})
    if (name == partitioner_name(known)) return known;
  return Error{Errc::invalid_argument,
               "partitioner '" + std::string(name) + "' is unknown: use any, murmur2, crc32 or fnv1a"};
}

PartitionId partition_for_key(Partitioner partitioner, ByteView key, int partition_count) {
  const auto count = static_cast<std::uint32_t>(partition_count);
  if (partitioner == Partitioner::crc32) return PartitionId(static_cast<std::int32_t>(crc32_ieee(key) % count));
  if (partitioner == Partitioner::fnv1a) {
    // sarama takes the remainder of the signed number and drops its sign.
    const std::int32_t remainder = static_cast<std::int32_t>(fnv1a_32(key)) % partition_count;
    return PartitionId(remainder < 0 ? -remainder : remainder);
  }
  return PartitionId(static_cast<std::int32_t>((murmur2(key) & 0x7fffffffu) % count));
}

std::uint32_t murmur2(ByteView bytes) {
  constexpr std::uint32_t kMix = 0x5bd1e995;
  auto hash = 0x9747b28cu ^ static_cast<std::uint32_t>(bytes.size());
  std::size_t at = 0;
  for (; at + 4 <= bytes.size(); at += 4) {
    std::uint32_t word;
    std::memcpy(&word, bytes.data() + at, sizeof word);
    word *= kMix;
    word ^= word >> 24;
    word *= kMix;
    hash = (hash * kMix) ^ word;
  }
  const std::size_t left = bytes.size() - at;
  if (left >= 3) hash ^= std::uint32_t{byte_at(bytes, at + 2)} << 16;
  if (left >= 2) hash ^= std::uint32_t{byte_at(bytes, at + 1)} << 8;
  if (left >= 1) hash = (hash ^ byte_at(bytes, at)) * kMix;
  hash ^= hash >> 13;
  hash *= kMix;
  hash ^= hash >> 15;
  return hash;
}

std::uint32_t crc32_ieee(ByteView bytes) {
  std::uint32_t crc = 0xffffffffu;
  for (const char c : bytes) crc = (crc >> 8) ^ kCrc32Table[(crc ^ static_cast<std::uint8_t>(c)) & 0xff];
  return ~crc;
}

std::uint32_t fnv1a_32(ByteView bytes) {
  std::uint32_t hash = 0x811c9dc5u;
  for (const char c : bytes) hash = (hash ^ static_cast<std::uint8_t>(c)) * 0x01000193u;
  return hash;
}

}  // namespace logcask
