#include "bench/workload.h"

#include <algorithm>
#include <cstring>

#include "bench/figures.h"

namespace logcask::bench {
namespace {

constexpr std::size_t kDigits = 12;
constexpr std::size_t kPoolBytes = 1u << 20;

void write_digits(char* at, std::uint64_t number) {
  for (std::size_t i = kDigits; i-- > 0; number /= 10) at[i] = static_cast<char>('0' + number % 10);
}

std::uint64_t read_digits(const char* at) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < kDigits; ++i) number = number * 10 + static_cast<std::uint64_t>(at[i] - '0');
  return number;
}

}  // namespace

void write_key(char* at, std::uint64_t number) {
  std::memcpy(at, "key-", 4);
  write_digits(at + 4, number);
}

std::string key_of(std::uint64_t number) {
  std::string key(kKeyBytes, '\0');
  write_key(key.data(), number);
  return key;
}

std::uint64_t number_of(ByteView key) { return read_digits(key.data() + 4); }

Values::Values(std::size_t value_bytes) : size_(value_bytes), pool_(kPoolBytes + value_bytes, '\0') {
  if (value_bytes < kValueHeadBytes) die("values hold at least " + std::to_string(kValueHeadBytes) + " bytes");
  Random random(7);
  for (char& c : pool_) c = static_cast<char>('a' + random.below(26));
}

ByteView Values::make(ByteView key, std::uint64_t write) {
  at_ += 4099;
  if (at_ >= kPoolBytes) at_ -= kPoolBytes;
  char* at = pool_.data() + at_;
  std::memcpy(at, key.data(), kKeyBytes);
  at[kKeyBytes] = '#';
  write_digits(at + kKeyBytes + 1, write);
  at[kValueHeadBytes - 1] = '#';
  return {at, size_};
}

bool parse_value(ByteView value, ByteView& key, std::uint64_t& write) {
  if (value.size() < kValueHeadBytes || value[kKeyBytes] != '#' || value[kValueHeadBytes - 1] != '#') return false;
  key = value.substr(0, kKeyBytes);
  write = read_digits(value.data() + kKeyBytes + 1);
  return true;
}

}  // namespace logcask::bench
