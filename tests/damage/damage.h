#pragma once
// Every way in which the sweep damages one file.

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace logcask::testing {

// One damaged file. `content` empty = deleted.
struct Damage {
  std::string kind;  // flip, invert, truncate, delete, older, another's, zeroed, swapped, appended
  std::size_t index = 0;
  std::optional<std::string> content;
  std::size_t at = 0;  // of the first byte touched
};

// flip: one bit of each byte; invert: all bits of each byte; truncate: to each length; older, other: each of those
// contents; zeroed and swapped: blocks of 64 bytes; appended: zeros, rubbish, a repetition of the file's end.
// Of `at_least` bytes and beyond only every 61st position is flipped, inverted and cut off at: unused slots of a .sync.
struct DamageSource {
  const std::string* content = nullptr;
  std::vector<std::string> older;
  std::vector<std::string> other;
  std::size_t dense_bytes = SIZE_MAX;
};
void for_each_damage(const DamageSource& source, const std::function<void(const Damage&)>& take);

}  // namespace logcask::testing
