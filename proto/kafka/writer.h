#pragma once
// Writes a message as bytes, by its description (fields.h).
//
// Records are not copied: where they belong is noted, and whoever sends the message puts them there.

#include <cstddef>

#include "base/coding.h"
#include "base/result.h"
#include "base/utf8.h"
#include "proto/kafka/fields.h"

namespace logcask::kafka {

// A message on its way: `bytes`, with each splice's pieces put in before the byte at its place.
struct Written {
  struct Splice {
    std::size_t at = 0;
    std::vector<Piece> pieces;
  };
  std::string bytes;
  std::vector<Splice> splices;

  std::size_t total_bytes() const {
    std::size_t sum = bytes.size();
    for (const Splice& splice : splices)
      for (const Piece& piece : splice.pieces) sum += piece.bytes.size();
    return sum;
  }
  // All in one, for tests and for those who send no pieces.
  std::string joined() const;
};

class Writer {
 public:
  // Appends to `out`.
  Writer(Written& out, Layout layout) : out_(out), bytes_(out.bytes), layout_(layout) {}

  // A string of more than 32,767 bytes has no form in an old version: message_too_large names its field.
  template <class Message>
  Status write(const Message& message) {
    structure(message);
    if (overlong_.empty()) return {};
    return Error{Errc::message_too_large,
                 std::string(overlong_) + " is longer than the 32767 bytes that this version has room for"};
  }

  // ---- for describe()
  template <class T>
  void operator()(std::string_view name, const T& value, In in = {}) {
    if (tags_ != Tags::none || !in.has(layout_.version)) return;
    name_ = name;
    nullable_ = in.may_be_null(layout_.version);
    put(value);
  }
  // Left out when it has its default.
  template <class T>
  void tagged(std::uint32_t tag, std::string_view name, const T& value, In in = {}) {
    if (tags_ == Tags::none || !in.has(layout_.version) || is_default(value)) return;
    ++tag_count_;
    if (tags_ == Tags::counted) return;
    name_ = name;
    nullable_ = in.may_be_null(layout_.version);
    Written field;
    Writer inside(field, layout_);
    inside.nullable_ = nullable_;
    inside.put(value);
    if (!inside.overlong_.empty()) overlong_ = inside.overlong_;
    unsigned_varint(tag);
    unsigned_varint(static_cast<std::uint32_t>(field.bytes.size()));
    bytes_.bytes(field.bytes);
  }

 private:
  enum class Tags : std::uint8_t { none, counted, written };

  template <class T>
  void structure(const T& value) {
    const Tags outer_tags = tags_;
    const std::uint32_t outer_count = tag_count_;
    tags_ = Tags::none;
    T::describe(*this, value);
    if (layout_.flexible) {
      tag_count_ = 0;
      tags_ = Tags::counted;
      T::describe(*this, value);
      unsigned_varint(tag_count_);
      tags_ = Tags::written;
      if (tag_count_ > 0) T::describe(*this, value);
    }
    tags_ = outer_tags;
    tag_count_ = outer_count;
  }

  template <class T>
  void put(const T& value) {
    if constexpr (std::is_same_v<T, bool>) {
      bytes_.fixed<std::int8_t>(value ? 1 : 0);
    } else if constexpr (std::is_integral_v<T>) {
      bytes_.fixed<T>(value);
    } else if constexpr (std::is_same_v<T, TopicId>) {
      bytes_.bytes(ByteView(reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size()));
    } else if constexpr (std::is_same_v<T, std::string_view> || std::is_same_v<T, std::string>) {
      put_string(value);
    } else if constexpr (std::is_same_v<T, BytesView> || std::is_same_v<T, Bytes>) {
      put_bytes_length(static_cast<std::int64_t>(value.data.size()));
      bytes_.bytes(value.data);
    } else if constexpr (std::is_same_v<T, Records>) {
      put_bytes_length(value.null ? -1 : static_cast<std::int64_t>(value.bytes()));
      if (!value.pieces.empty()) out_.splices.push_back({out_.bytes.size(), value.pieces});
    } else if constexpr (IsOptional<T>::value) {
      put_optional(value);
    } else if constexpr (IsVector<T>::value) {
      put_list_length(static_cast<std::int64_t>(value.size()));
      for (const auto& entry : value) put(entry);
    } else {
      structure(value);
    }
  }
  // Nothing, where the version has no null: the empty one.
  template <class T>
  void put_optional(const std::optional<T>& value) {
    if constexpr (std::is_class_v<T> && kIsStruct<T>)
      if (nullable_) bytes_.fixed(std::int8_t{value ? std::int8_t{1} : std::int8_t{-1}});
    if (value || !nullable_) return value ? put(*value) : put(T{});
    if constexpr (IsVector<T>::value)
      put_list_length(-1);
    else if constexpr (std::is_same_v<T, BytesView> || std::is_same_v<T, Bytes>)
      put_bytes_length(-1);
    else if constexpr (!kIsStruct<T>)
      put_string_length(-1);
  }

  // What others have sent is repeated as it is read: with U+FFFD for what is not UTF-8.
  void put_string(std::string_view text) {
    if (!valid_utf8(text)) return put_text(utf8_text(text));
    put_text(text);
  }
  void put_text(std::string_view text) {
    if (!layout_.flexible && text.size() > 32767) {
      overlong_ = name_;
      text = text.substr(0, 32767);
    }
    put_string_length(static_cast<std::int64_t>(text.size()));
    bytes_.bytes(text);
  }
  void put_string_length(std::int64_t size) {
    if (layout_.flexible) return unsigned_varint(static_cast<std::uint32_t>(size + 1));
    bytes_.fixed(static_cast<std::int16_t>(size));
  }
  void put_bytes_length(std::int64_t size) {
    if (layout_.flexible) return unsigned_varint(static_cast<std::uint32_t>(size + 1));
    bytes_.fixed(static_cast<std::int32_t>(size));
  }
  void put_list_length(std::int64_t count) { put_bytes_length(count); }
  void unsigned_varint(std::uint32_t value) {
    for (; value >= 0x80; value >>= 7) bytes_.fixed(static_cast<std::uint8_t>(value | 0x80));
    bytes_.fixed(static_cast<std::uint8_t>(value));
  }

  template <class T>
  static bool is_default(const T& value) {
    if constexpr (IsVector<T>::value)
      return value.empty();
    else
      return value == T{};
  }

  Written& out_;
  ByteWriter bytes_;
  const Layout layout_;
  Tags tags_ = Tags::none;
  std::uint32_t tag_count_ = 0;
  bool nullable_ = false;
  std::string_view name_;
  std::string_view overlong_;
};

}  // namespace logcask::kafka
