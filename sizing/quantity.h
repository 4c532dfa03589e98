#pragma once
// Numbers as people say them: 10M keys, 4 KiB, 256 MB, 100 ms. What is printed is read back as the same number.
//
// Sizes of all that is printed come from here, plans, verdicts and every verb's alike: in powers of 1000, but a limit
// in the units in which it is round, and a figure beside a limit in the limit's units.
//
// KB, MB, GB, TB are powers of 1000; KiB, MiB, GiB, TiB of 1024. Counts take k, M, B and T. Times take ms, s, min, h
// and d, without a unit milliseconds, as the broker's settings do. Digits may be grouped ("715,827,882", "10_000"); a
// comma never parts a fraction. Pure functions.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace logcask::sizing {

enum class Unit { count, bytes, milliseconds };

// invalid_argument: no number, a unit that is none or is not plain ("4K": 4000 or 4096?), or not whole.
Result<std::uint64_t> parse_quantity(Unit unit, std::string_view text);
// Exact: "10M", "4 KiB", "256 MB", "2,147,483,647 B", "1 min".
std::string quantity_text(Unit unit, std::uint64_t number);

// Rounded, for figures: "76.5 MB", "73 MiB", "8.2%", "1.2 s".
std::string decimal_bytes(double bytes, int digits = 1);
std::string binary_bytes(double bytes, int digits = 1);
// Exact where that is short ("256 MB", "4 KiB"), else rounded, in the units that take fewer digits: a broker's budget
// is an odd number of bytes, and one of 64 MiB, in whole entries four bytes below that, is 64 MiB.
std::string short_bytes(std::uint64_t bytes);
// In the units of that text, so that the two compare at a glance: "48.2 MiB" of "64 MiB", "76.5 MB" of "256 MB".
std::string bytes_beside(double bytes, std::uint64_t limit, int digits = 1);
// "76.5 MB = 73 MiB"
std::string both_bytes(double bytes, int digits = 1);
// What is hardly above or below a quarter, three quarters or the whole says so: "just above 75%".
std::string percent_of(double part, double whole);
std::string rounded(double number, int digits);
// A whole number, rounded up; from 2^63 - 1 on that, the most that readers of JSON take for an integer.
std::uint64_t whole(double number);
std::string grouped(std::uint64_t number);  // "715,827,882"
std::string about_seconds(double seconds);  // "83 ms", "1.2 s", "13.9 h", "3.5 days"

}  // namespace logcask::sizing
