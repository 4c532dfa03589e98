#pragma once
// What the writers of AckedLoad write: a writer's n-th record has the value of n, every seventh is a delete.

#include <cstdint>
#include <optional>
#include <string>

namespace logcask::testing {

inline bool is_delete(std::int64_t number) { return number % 7 == 0; }
std::optional<std::string> value_of(std::int64_t number);
// Nothing for what is the value of no number.
std::optional<std::int64_t> number_of(const std::string& value);

}  // namespace logcask::testing
