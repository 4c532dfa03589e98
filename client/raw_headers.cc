#include "client/raw_headers.h"

#include "base/coding.h"

namespace logcask::client {

std::vector<HeaderView> decode_raw_headers(std::int64_t count, ByteView raw) {
  std::vector<HeaderView> headers;
  ByteReader reader(raw);
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int32_t name_bytes = reader.varint();
    if (!reader.ok() || name_bytes < 0) break;
    HeaderView header{reader.bytes(static_cast<std::size_t>(name_bytes)), std::nullopt};
    const std::int32_t value_bytes = reader.varint();
    if (value_bytes >= 0) header.value = reader.bytes(static_cast<std::size_t>(value_bytes));
    if (!reader.ok()) break;
    headers.push_back(header);
  }
  return headers;
}

}  // namespace logcask::client
