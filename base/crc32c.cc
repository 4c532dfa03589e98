#include "base/crc32c.h"

#include <array>
#include <cstring>

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace logcask {
namespace {

constexpr std::uint32_t kPolynomial = 0x82f63b78;  // reflected

constexpr std::array<std::uint32_t, 256> make_crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) ? kPolynomial : 0);
    table[i] = crc;
  }
  return table;
}
constexpr auto kCrcTable = make_crc_table();

#if defined(__x86_64__)

// One block of each of the three chains. The chains hide the instruction's latency of three cycles.
constexpr std::size_t kChainBytes = 512;

// kShift[i][b]: the CRC state (b << 8*i) after kChainBytes zero bytes. Moves one chain's state past
// the bytes of the next one, so that three separately computed states can be joined.
struct ShiftTable {
  std::uint32_t at[4][256];
};

constexpr std::uint32_t feed_zeros(std::uint32_t crc, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) crc = (crc >> 8) ^ kCrcTable[crc & 0xff];
  return crc;
}

ShiftTable make_shift_table() {
  std::uint32_t column[32];
  for (int bit = 0; bit < 32; ++bit) column[bit] = feed_zeros(1u << bit, kChainBytes);
  ShiftTable table{};
  for (int byte = 0; byte < 4; ++byte)
    for (std::uint32_t value = 0; value < 256; ++value)
      for (int bit = 0; bit < 8; ++bit)
        if (value & (1u << bit)) table.at[byte][value] ^= column[byte * 8 + bit];
  return table;
}

std::uint32_t shift(const ShiftTable& table, std::uint32_t crc) {
  return table.at[0][crc & 0xff] ^ table.at[1][(crc >> 8) & 0xff] ^ table.at[2][(crc >> 16) & 0xff] ^
         table.at[3][crc >> 24];
}

std::uint64_t load64(const char* at) {
  std::uint64_t value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

__attribute__((target("sse4.2"))) std::uint32_t crc_sse42(const char* at, std::size_t size, std::uint32_t crc) {
  static const ShiftTable table = make_shift_table();
  std::uint64_t a = crc;
  while (size >= 3 * kChainBytes) {
    std::uint64_t b = 0;
    std::uint64_t c = 0;
    for (std::size_t i = 0; i < kChainBytes; i += 8) {
      a = _mm_crc32_u64(a, load64(at + i));
      b = _mm_crc32_u64(b, load64(at + kChainBytes + i));
      c = _mm_crc32_u64(c, load64(at + 2 * kChainBytes + i));
    }
    a = shift(table, static_cast<std::uint32_t>(a)) ^ b;
    a = shift(table, static_cast<std::uint32_t>(a)) ^ c;
    at += 3 * kChainBytes;
    size -= 3 * kChainBytes;
  }
  for (; size >= 8; at += 8, size -= 8) a = _mm_crc32_u64(a, load64(at));
  auto tail = static_cast<std::uint32_t>(a);
  for (; size > 0; ++at, --size) tail = _mm_crc32_u8(tail, static_cast<unsigned char>(*at));
  return tail;
}

bool has_sse42() {
  static const bool has = __builtin_cpu_supports("sse4.2");
  return has;
}

#endif

}  // namespace

std::uint32_t crc32c_portable(ByteView bytes, std::uint32_t seed) {
  std::uint32_t crc = ~seed;
  for (const char byte : bytes) crc = (crc >> 8) ^ kCrcTable[(crc ^ static_cast<unsigned char>(byte)) & 0xff];
  return ~crc;
}

std::uint32_t crc32c(ByteView bytes, std::uint32_t seed) {
#if defined(__x86_64__)
  if (has_sse42()) return ~crc_sse42(bytes.data(), bytes.size(), ~seed);
#endif
  return crc32c_portable(bytes, seed);
}

}  // namespace logcask
