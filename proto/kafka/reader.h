#pragma once
// Reads a message from bytes, by its description (fields.h).
//
// Every length is checked before it is used, and what the message becomes in memory is bounded: a frame of small
// entries must not become a large multiple of itself. The first error ends the reading; what was read before stands.
// Unknown tagged fields are stepped over (KIP-482). Strings, bytes and records are views into `bytes`.

#include <algorithm>
#include <utility>

#include "base/coding.h"
#include "base/mutant.h"
#include "base/result.h"
#include "proto/kafka/fields.h"

namespace logcask::kafka {

class Reader {
 public:
  // What the entries of all lists of one message may take in memory.
  static constexpr std::size_t kEntryBytesMax = 32u << 20;

  Reader(ByteView bytes, Layout layout) : in_(bytes), all_(bytes), layout_(layout) {}

  // The fields of `message`, which has its defaults; malformed_frame names the field.
  template <class Message>
  Status read(Message& message) {
    structure(message);
    if (failed_) return Error{Errc::malformed_frame, std::move(failure_)};
    return {};
  }
  ByteView rest() const { return all_.substr(in_.position()); }

  // ---- for describe()
  template <class T>
  void operator()(std::string_view name, T& value, In in = {}) {
    if (failed_ || tag_ >= 0 || !in.has(layout_.version)) return;
    nullable_ = in.may_be_null(layout_.version);
    get(value);
    note_failure(name);
  }
  template <class T>
  void tagged(std::int64_t tag, std::string_view name, T& value, In in = {}) {
    if (failed_ || tag_ != tag || !in.has(layout_.version)) return;
    nullable_ = in.may_be_null(layout_.version);
    tag_ = -1;  // a struct within has plain fields again
    get(value);
    tag_ = tag;
    note_failure(name);
  }

 private:
  template <class T>
  void structure(T& value) {
    T::describe(*this, value);
    if (!layout_.flexible || failed_) return;
    const std::uint32_t count = unsigned_varint();
    for (std::uint32_t i = 0; i < count && !failed_; ++i) {
      const std::uint32_t tag = unsigned_varint();
      const std::uint32_t size = unsigned_varint();
      const ByteView field = in_.bytes(mutant(Mutant::unknown_tag_stays) ? 0 : size);
      note_failure("tagged fields");
      if (failed_) return;
      Reader inside(field, layout_);
      inside.tag_ = tag;
      inside.entry_bytes_ = entry_bytes_;
      T::describe(inside, value);
      entry_bytes_ = inside.entry_bytes_;
      if (inside.failed_) fail(std::move(inside.failure_));
    }
    note_failure("tagged fields");
  }

  template <class T>
  void get(T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      value = in_.fixed<std::int8_t>() != 0;
    } else if constexpr (std::is_integral_v<T>) {
      value = in_.fixed<T>();
    } else if constexpr (std::is_same_v<T, TopicId>) {
      const ByteView id = in_.bytes(value.bytes.size());
      std::copy(id.begin(), id.end(), value.bytes.begin());
    } else if constexpr (std::is_same_v<T, std::string_view> || std::is_same_v<T, std::string>) {
      if (const auto read = sized(layout_.flexible, Length::of_string)) value = T(*read);
    } else if constexpr (std::is_same_v<T, BytesView> || std::is_same_v<T, Bytes>) {
      if (const auto read = sized(layout_.flexible, Length::of_bytes)) value.data = *read;
    } else if constexpr (std::is_same_v<T, Records>) {
      nullable_ = true;  // by its type
      const auto read = sized(layout_.flexible, Length::of_bytes);
      value.null = !read;
      value.pieces.clear();
      if (read && !read->empty()) value.pieces.push_back({*read, nullptr});
    } else if constexpr (IsOptional<T>::value) {
      get_optional(value);
    } else if constexpr (IsVector<T>::value) {
      if (const auto count = list_length()) get_entries(value, *count);
    } else {
      structure(value);
    }
  }

  template <class T>
  void get_optional(std::optional<T>& value) {
    value.reset();
    if constexpr (IsVector<T>::value) {
      if (const auto count = list_length()) get_entries(value.emplace(), *count);
    } else if constexpr (kIsStruct<T>) {
      // A byte says whether it is there, in versions that know the difference.
      if (nullable_ && in_.fixed<std::int8_t>() < 0) return;
      structure(value.emplace());
    } else {
      const bool bytes = std::is_same_v<T, BytesView> || std::is_same_v<T, Bytes>;
      const auto read = sized(layout_.flexible, bytes ? Length::of_bytes : Length::of_string);
      if (!read) return;
      if constexpr (bytes)
        value.emplace().data = *read;
      else
        value.emplace(*read);
    }
  }

  template <class T>
  void get_entries(std::vector<T>& entries, std::size_t count) {
    entry_bytes_ += count * sizeof(T);
    if (count > in_.remaining()) return fail("has more entries than the message has bytes");
    if (entry_bytes_ > kEntryBytesMax && !mutant(Mutant::entries_unbounded))
      return fail("has too many entries; send them in several requests");
    entries.clear();
    entries.reserve(count);
    for (std::size_t i = 0; i < count && !failed_; ++i) {
      nullable_ = false;
      get(entries.emplace_back());
      if (!in_.ok()) fail("ends too early");
    }
  }

  enum class Length : std::uint8_t { of_string, of_bytes };
  // Nothing for null.
  std::optional<ByteView> sized(bool compact, Length kind) {
    const std::int64_t size = compact                     ? std::int64_t{unsigned_varint()} - 1
                              : kind == Length::of_string ? std::int64_t{in_.fixed<std::int16_t>()}
                                                          : std::int64_t{in_.fixed<std::int32_t>()};
    if (size < 0) return none(size);
    return in_.bytes(static_cast<std::size_t>(size));
  }
  std::optional<std::size_t> list_length() {
    const std::int64_t count =
        layout_.flexible ? std::int64_t{unsigned_varint()} - 1 : std::int64_t{in_.fixed<std::int32_t>()};
    if (count < 0) {
      none(count);
      return std::nullopt;
    }
    return static_cast<std::size_t>(count);
  }
  std::optional<ByteView> none(std::int64_t size) {
    if (size < -1)
      fail("has a negative length");
    else if (!nullable_ && in_.ok() && !mutant(Mutant::null_in_every_version))
      fail("is null, which it may not be in this version");
    return std::nullopt;
  }
  std::uint32_t unsigned_varint() {
    std::uint32_t value = 0;
    for (int shift = 0; shift < 35; shift += 7) {
      const auto byte = in_.fixed<std::uint8_t>();
      value |= static_cast<std::uint32_t>(byte & 0x7f) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    fail("has a length of more than five bytes");
    return 0;
  }

  void fail(std::string why) {
    if (!std::exchange(failed_, true)) failure_ = std::move(why);
  }
  void note_failure(std::string_view name) {
    if (!in_.ok()) fail("ends too early");
    if (!failed_ || named_) return;
    failure_ = std::string(name) + " " + failure_;
    named_ = true;
  }

  ByteReader in_;
  const ByteView all_;
  const Layout layout_;
  std::int64_t tag_ = -1;  // the tagged field that is being read, and no other
  bool nullable_ = false;  // the field that is being read
  std::size_t entry_bytes_ = 0;
  bool failed_ = false;
  bool named_ = false;
  std::string failure_;
};

}  // namespace logcask::kafka
