#pragma once
// The 100 records that every file of this folder holds; capture.py and JavaPeer.java know the same rules.

#include <optional>
#include <string>
#include <vector>

#include "proto/record_batch.h"

namespace logcask::golden {

inline constexpr int kRecords = 100;

inline std::optional<std::string> key(int i) {
  if (i == 7) return std::nullopt;
  return "key-00" + std::to_string(i % 10);
}

inline std::optional<std::string> value(int i) {
  if (i == 13) return std::nullopt;
  std::string text = "value " + std::to_string(i) + " ";
  for (int n = 0; n < i % 50; ++n) text += "abc";
  return text;
}

// Goes back as well as forth.
inline TimestampMs timestamp(int i) { return TimestampMs(1700000000000 + i * 10 - (i % 3 == 2 ? 500 : 0)); }

struct Header {
  std::string key;
  std::optional<std::string> value;
};

inline std::vector<Header> headers(int i) {
  if (i % 5 != 0) return {};
  return {{"trace", "id-" + std::to_string(i)}, {"nothing", std::nullopt}, {"empty", ""}};
}

inline std::optional<ByteView> view(const std::optional<std::string>& text) {
  if (!text) return std::nullopt;
  return ByteView(*text);
}

inline void add_all(BatchBuilder& builder) {
  for (int i = 0; i < kRecords; ++i) {
    const auto k = key(i);
    const auto v = value(i);
    const auto owned = headers(i);
    std::vector<RecordHeader> views;
    for (const Header& header : owned) views.push_back({header.key, view(header.value)});
    builder.add(Offset(i), timestamp(i), view(k), view(v), views);
  }
}

}  // namespace logcask::golden
