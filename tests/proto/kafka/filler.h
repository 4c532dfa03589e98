#pragma once
// Two more visitors of a Kafka message's description (proto/kafka/fields.h): one fills it with random values, one shows
// the values it has.

#include <deque>
#include <limits>
#include <random>
#include <string>

#include "proto/kafka/fields.h"

namespace logcask::kafka {

// Fills the fields that `layout` has; the others keep what they have. Views are of bytes that the filler owns.
class Filler {
 public:
  Filler(std::mt19937_64& random, Layout layout, int entries_max)
      : random_(random), layout_(layout), entries_max_(entries_max) {}

  template <class Message>
  void fill(Message& message) {
    Message::describe(*this, message);
  }

  // ---- for describe()
  template <class T>
  void operator()(std::string_view, T& value, In in = {}) {
    if (!in.has(layout_.version)) return;
    put(value, in.may_be_null(layout_.version));
  }
  template <class T>
  void tagged(std::int64_t, std::string_view, T& value, In in = {}) {
    if (layout_.flexible && in.has(layout_.version) && upto(1) == 1) put(value, in.may_be_null(layout_.version));
  }

 private:
  std::uint64_t upto(std::uint64_t last) { return random_() % (last + 1); }

  // Often short, at times around where a compact length takes a second byte.
  std::string& bytes() {
    const std::uint64_t size = upto(19) == 0 ? 120 + upto(15) : upto(8);
    std::string& bytes = owned_.emplace_back();
    for (std::uint64_t i = 0; i < size; ++i) bytes += static_cast<char>(random_());
    return bytes;
  }
  // Which is written as it is.
  std::string_view text() {
    std::string& text = bytes();
    for (char& character : text) character = static_cast<char>(character & 0x7f);
    return text;
  }

  template <class T>
  void put(T& value, bool nullable) {
    if constexpr (IsOptional<T>::value) {
      value.reset();
      if (!nullable || upto(3) > 0) put(value.emplace(), false);
    } else if constexpr (IsVector<T>::value) {
      value.clear();
      for (std::uint64_t left = upto(static_cast<std::uint64_t>(entries_max_)); left > 0; --left)
        put(value.emplace_back(), false);
    } else if constexpr (std::is_same_v<T, bool>) {
      value = upto(1) == 1;
    } else if constexpr (std::is_integral_v<T>) {
      using Limits = std::numeric_limits<T>;
      const std::uint64_t choice = upto(7);
      value = choice == 0 ? Limits::min() : choice == 1 ? Limits::max() : static_cast<T>(random_());
    } else if constexpr (std::is_same_v<T, TopicId>) {
      for (std::uint8_t& byte : value.bytes) byte = static_cast<std::uint8_t>(random_());
    } else if constexpr (std::is_same_v<T, std::string_view> || std::is_same_v<T, std::string>) {
      value = text();
    } else if constexpr (std::is_same_v<T, BytesView> || std::is_same_v<T, Bytes>) {
      value.data = bytes();
    } else if constexpr (std::is_same_v<T, Records>) {
      value.pieces.clear();
      value.null = nullable && upto(3) == 0;
      // Pieces are the writer's affair: whoever reads finds one.
      for (std::uint64_t left = value.null ? 0 : upto(3); left > 0; --left) value.pieces.push_back({bytes(), nullptr});
    } else {
      T::describe(*this, value);
    }
  }

  std::mt19937_64& random_;
  const Layout layout_;
  const int entries_max_;
  std::deque<std::string> owned_;
};

// Every field with its value, whether the version has it or not, as text to compare.
class Shower {
 public:
  template <class Message>
  static std::string show(const Message& message) {
    Shower shower;
    Message::describe(shower, message);
    return std::move(shower.out_);
  }

  // ---- for describe()
  template <class T>
  void operator()(std::string_view name, const T& value, In = {}) {
    out_ += name;
    out_ += '=';
    put(value);
    out_ += ' ';
  }
  template <class T>
  void tagged(std::int64_t, std::string_view name, const T& value, In in = {}) {
    (*this)(name, value, in);
  }

 private:
  void hex(std::string_view bytes) {
    for (const char byte : bytes) {
      out_ += "0123456789abcdef"[static_cast<unsigned char>(byte) >> 4];
      out_ += "0123456789abcdef"[static_cast<unsigned char>(byte) & 15];
    }
    out_ += '.';
  }

  template <class T>
  void put(const T& value) {
    if constexpr (IsOptional<T>::value) {
      if (value)
        put(*value);
      else
        out_ += "null";
    } else if constexpr (IsVector<T>::value) {
      out_ += '[';
      for (const auto& entry : value) {
        put(entry);
        out_ += ',';
      }
      out_ += ']';
    } else if constexpr (std::is_integral_v<T>) {
      out_ += std::to_string(value);
    } else if constexpr (std::is_same_v<T, TopicId>) {
      out_ += value.to_hex();
    } else if constexpr (std::is_same_v<T, std::string_view> || std::is_same_v<T, std::string>) {
      hex(value);
    } else if constexpr (std::is_same_v<T, BytesView> || std::is_same_v<T, Bytes>) {
      hex(value.data);
    } else if constexpr (std::is_same_v<T, Records>) {
      std::string all;
      for (const Piece& piece : value.pieces) all += piece.bytes;
      if (value.null)
        out_ += "null";
      else
        hex(all);
    } else {
      out_ += '{';
      T::describe(*this, value);
      out_ += '}';
    }
  }

  std::string out_;
};

}  // namespace logcask::kafka
