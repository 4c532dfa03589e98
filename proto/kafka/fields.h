#pragma once
// What a Kafka message is made of: the types of its fields, and in which versions each is there.
//
// A message is a struct with one static template function, describe(), which names its fields in their order on the
// wire. Everything else follows from it: reading (reader.h), writing (writer.h) and the table of fields that the tests
// hold beside Kafka's own schemas (field_table.h). Encodings: KIP-482 (compact lengths, tagged fields), and the
// protocol guide's primitive types.
//
//   struct Topic {
//     std::optional<std::string> name;
//     template <class Io, class Self>
//     static void describe(Io& io, Self& self) {
//       io("Name", self.name, always().nullable(12));
//     }
//   };
//
// Fields of requests are views into the frame they were read from; fields of responses own their bytes, for an answer
// outlives its request. Records are never copied in either.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/types.h"

namespace logcask::kafka {

inline constexpr std::int16_t kNewest = 32767;

// The versions of a message that have a field; those of them where it may be null.
struct In {
  std::int16_t from = 0;
  std::int16_t to = kNewest;
  std::int16_t null_from = kNewest;
  std::int16_t null_to = kNewest;

  constexpr bool has(std::int16_t version) const { return version >= from && version <= to; }
  constexpr bool may_be_null(std::int16_t version) const {
    return null_from != kNewest && version >= null_from && version <= null_to;
  }
  constexpr In nullable(std::int16_t since = 0, std::int16_t until = kNewest) const { return {from, to, since, until}; }
};
constexpr In always() { return {}; }
constexpr In since(std::int16_t version) { return {version}; }
constexpr In until(std::int16_t version) { return {0, version}; }
constexpr In within(std::int16_t first, std::int16_t last) { return {first, last}; }

// The version a message is read or written in.
struct Layout {
  std::int16_t version = 0;
  bool flexible = false;  // compact lengths and tagged fields (KIP-482)
};

// Type "bytes": a view of them, and bytes of one's own.
struct BytesView {
  ByteView data;
  friend bool operator==(const BytesView&, const BytesView&) = default;
};
struct Bytes {
  std::string data;
  friend bool operator==(const Bytes&, const Bytes&) = default;
};

// Bytes that live as long as `owner`; without one, as long as the message that holds them.
struct Piece {
  ByteView bytes;
  std::shared_ptr<const void> owner;
};

// Type "records": record batches, one after another. Read, it is one view into the frame; written, the pieces are
// handed on as they are (writer.h).
struct Records {
  std::vector<Piece> pieces;
  bool null = false;

  std::size_t bytes() const {
    std::size_t sum = 0;
    for (const Piece& piece : pieces) sum += piece.bytes.size();
    return sum;
  }
  // What was read: at most one piece.
  ByteView view() const { return pieces.empty() ? ByteView() : pieces.front().bytes; }
};

// What one may do with a topic, a group or a cluster, when nobody asked, or nobody is asked: there are no access rules.
inline constexpr std::int32_t kNoAuthorizedOperations = INT32_MIN;

template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {
  using Element = T;
};
template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {
  using Value = T;
};

// A struct of the message's own, described as the message is.
template <class T>
inline constexpr bool kIsStruct =
    std::is_class_v<T> && !std::is_same_v<T, std::string> && !std::is_same_v<T, std::string_view> &&
    !std::is_same_v<T, TopicId> && !std::is_same_v<T, BytesView> && !std::is_same_v<T, Bytes> &&
    !std::is_same_v<T, Records> && !IsVector<T>::value && !IsOptional<T>::value;

}  // namespace logcask::kafka
