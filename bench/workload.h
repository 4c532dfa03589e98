#pragma once
// Keys and values of the load programs. Key i is "key-" and twelve digits; a value begins with its key, '#', the
// number of the write (twelve digits) and '#', so that whoever reads it can tell whether it is the right one; letters
// from a pool fill it up, at a different place each time (zstd halves them, no more).

#include <cstdint>
#include <string>
#include <string_view>

#include "base/types.h"

namespace logcask::bench {

inline constexpr std::size_t kKeyBytes = 16;
inline constexpr std::size_t kValueHeadBytes = kKeyBytes + 14;

// Writes kKeyBytes.
void write_key(char* at, std::uint64_t number);
std::string key_of(std::uint64_t number);
std::uint64_t number_of(ByteView key);

class Values {
 public:
  explicit Values(std::size_t value_bytes);  // at least kValueHeadBytes
  // Lives until the next call.
  ByteView make(ByteView key, std::uint64_t write);

 private:
  std::size_t size_;
  std::size_t at_ = 0;
  std::string pool_;
};

// Of which key and write the value is; false when it is none of Values.
bool parse_value(ByteView value, ByteView& key, std::uint64_t& write);

// xorshift64*: the load must not spend its time on random numbers.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15u + 1) {}
  std::uint64_t next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545F4914F6CDD1Du;
  }
  std::uint64_t below(std::uint64_t bound) {
    return static_cast<std::uint64_t>((static_cast<unsigned __int128>(next()) * bound) >> 64);
  }

 private:
  std::uint64_t state_;
};

// Which key write i goes to: every key once in order, then at random; the same for the same seed.
class KeySequence {
 public:
  KeySequence(std::uint64_t keys, std::uint64_t seed) : keys_(keys), random_(seed) {}
  std::uint64_t next() {
    const std::uint64_t write = writes_++;
    return write < keys_ ? write : random_.below(keys_);
  }

 private:
  std::uint64_t keys_;
  std::uint64_t writes_ = 0;
  Random random_;
};

}  // namespace logcask::bench
