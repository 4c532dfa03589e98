#pragma once
// Lists the fields of a message from its description (fields.h), in their order on the wire.
//
// For tests and tools: what is listed is what Reader and Writer do, for all three follow the same describe().

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proto/kafka/fields.h"

namespace logcask::kafka {

struct FieldRow {
  int depth = 0;  // 0: a field of the message; the fields of a struct follow it, one deeper
  std::string name;
  std::string type;                 // as Kafka's schemas name them; a struct, whatever it is called, is "struct"
  In in;                            // as described: of a struct's fields, those versions only that have the struct
  std::optional<std::int64_t> tag;  // nothing: a plain field
  bool holds_null = false;          // the struct has room for a null
  std::string initial;              // what the struct has where a version lacks the field: a number, true, null, text
};

class FieldTable {
 public:
  template <class Message>
  static std::vector<FieldRow> of() {
    FieldTable table;
    const Message message{};
    Message::describe(table, message);
    return std::move(table.rows_);
  }

  // ---- for describe()
  template <class T>
  void operator()(std::string_view name, const T& value, In in = {}) {
    add(name, value, in, std::nullopt);
  }
  template <class T>
  void tagged(std::int64_t tag, std::string_view name, const T& value, In in = {}) {
    add(name, value, in, tag);
  }

 private:
  template <class T>
  void add(std::string_view name, const T& value, In in, std::optional<std::int64_t> tag) {
    const bool holds_null = IsOptional<T>::value || std::is_same_v<T, Records>;
    rows_.push_back({depth_, std::string(name), type_name<T>(), in, tag, holds_null, initial(value)});
    ++depth_;
    inside<T>();
    --depth_;
  }

  template <class T>
  void inside() {
    if constexpr (IsOptional<T>::value) {
      inside<typename IsOptional<T>::Value>();
    } else if constexpr (IsVector<T>::value) {
      inside<typename IsVector<T>::Element>();
    } else if constexpr (std::is_class_v<T> && kIsStruct<T>) {
      const T element{};
      T::describe(*this, element);
    }
  }

  template <class T>
  static std::string type_name() {
    if constexpr (IsOptional<T>::value)
      return type_name<typename IsOptional<T>::Value>();
    else if constexpr (IsVector<T>::value)
      return "[]" + type_name<typename IsVector<T>::Element>();
    else if constexpr (std::is_same_v<T, bool>)
      return "bool";
    else if constexpr (std::is_integral_v<T>)
      return (std::is_signed_v<T> ? "int" : "uint") + std::to_string(8 * sizeof(T));
    else if constexpr (std::is_same_v<T, TopicId>)
      return "uuid";
    else if constexpr (std::is_same_v<T, std::string_view> || std::is_same_v<T, std::string>)
      return "string";
    else if constexpr (std::is_same_v<T, BytesView> || std::is_same_v<T, Bytes>)
      return "bytes";
    else if constexpr (std::is_same_v<T, Records>)
      return "records";
    else
      return "struct";
  }

  template <class T>
  static std::string initial(const T& value) {
    if constexpr (IsOptional<T>::value)
      return value ? initial(*value) : "null";
    else if constexpr (std::is_same_v<T, bool>)
      return value ? "true" : "false";
    else if constexpr (std::is_integral_v<T>)
      return std::to_string(value);
    else if constexpr (std::is_same_v<T, std::string_view> || std::is_same_v<T, std::string>)
      return std::string(value);
    else
      return "";
  }

  std::vector<FieldRow> rows_;
  int depth_ = 0;
};

}  // namespace logcask::kafka
