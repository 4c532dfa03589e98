#pragma once
// Distinct types for distinct numbers. None converts to another, or from a bare integer, silently.

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include <logcask/export.h>

namespace logcask {

// Bytes that somebody else owns. Binary-safe; valid as long as the owner says.
using ByteView = std::string_view;

// A number with a name of its own. Ordered and hashable; no arithmetic unless a subclass adds it.
template <class Tag, class Rep>
class StrongNumber {
 public:
  using rep = Rep;
  constexpr StrongNumber() = default;
  constexpr explicit StrongNumber(Rep value) : value_(value) {}
  constexpr Rep value() const { return value_; }
  friend constexpr auto operator<=>(const StrongNumber&, const StrongNumber&) = default;

 private:
  Rep value_{};
};

// Position of a record in a partition: assigned once, never changed, never reused.
// The difference of two offsets is a count (a bare integer).
class Offset {
 public:
  constexpr Offset() = default;
  constexpr explicit Offset(std::int64_t value) : value_(value) {}
  constexpr std::int64_t value() const { return value_; }
  friend constexpr auto operator<=>(const Offset&, const Offset&) = default;
  friend constexpr Offset operator+(Offset a, std::int64_t n) { return Offset(a.value_ + n); }
  friend constexpr Offset operator-(Offset a, std::int64_t n) { return Offset(a.value_ - n); }
  friend constexpr std::int64_t operator-(Offset a, Offset b) { return a.value_ - b.value_; }
  constexpr Offset& operator+=(std::int64_t n) {
    value_ += n;
    return *this;
  }

 private:
  std::int64_t value_ = 0;
};
inline constexpr Offset kNoOffset{-1};
// Offsets of compacted topics stay below this, so that a keydir slot can hold one (docs/FORMAT.md).
inline constexpr Offset kMaxCompactedOffset{(std::int64_t{1} << 48) - 2};

using PartitionId = StrongNumber<struct PartitionIdTag, std::int32_t>;
using LeaderEpoch = StrongNumber<struct LeaderEpochTag, std::int32_t>;
using ProducerId = StrongNumber<struct ProducerIdTag, std::int64_t>;
// Milliseconds since 1970-01-01 UTC.
using TimestampMs = StrongNumber<struct TimestampMsTag, std::int64_t>;
// Generation of a segment file: 0 for what the appender wrote, higher for what compaction wrote.
using Generation = StrongNumber<struct GenerationTag, std::uint32_t>;

inline constexpr ProducerId kNoProducer{-1};

// One stretch of a partition's life from an opening to the next, as a random number: tells the log that a position was
// read in from one that has grown in its place. 0: not known.
using RunId = StrongNumber<struct RunIdTag, std::uint64_t>;
inline constexpr RunId kNoRun{0};

// 128 random bits that tell a re-created topic from its namesake.
struct TopicId {
  std::array<std::uint8_t, 16> bytes{};
  friend auto operator<=>(const TopicId&, const TopicId&) = default;
  LOGCASK_API std::string to_hex() const;  // 32 lower-case digits
  LOGCASK_API static bool from_hex(std::string_view text, TopicId& out);
};

}  // namespace logcask

template <class Tag, class Rep>
struct std::hash<logcask::StrongNumber<Tag, Rep>> {
  std::size_t operator()(const logcask::StrongNumber<Tag, Rep>& n) const noexcept {
    return std::hash<Rep>()(n.value());
  }
};
template <>
struct std::hash<logcask::Offset> {
  std::size_t operator()(logcask::Offset o) const noexcept { return std::hash<std::int64_t>()(o.value()); }
};
