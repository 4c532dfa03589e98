#include "proto/lookup_codec.h"

#include "base/coding.h"

namespace logcask {
namespace {

constexpr std::uint8_t kAmbiguous = 1;

Error malformed(const char* what) { return Error{Errc::malformed_frame, std::string("attachment: ") + what}; }

}  // namespace

void append_key(std::string& out, ByteView key) {
  ByteWriter writer(out);
  writer.fixed(static_cast<std::uint32_t>(key.size()));
  writer.bytes(key);
}

Result<std::vector<ByteView>> decode_keys(ByteView attachment, std::uint32_t key_count) {
  ByteReader reader(attachment);
  std::vector<ByteView> keys;
  if (key_count > attachment.size() / sizeof(std::uint32_t)) return malformed("fewer bytes than keys need");
  keys.reserve(key_count);
  for (std::uint32_t i = 0; i < key_count; ++i) keys.push_back(reader.bytes(reader.fixed<std::uint32_t>()));
  if (!reader.at_end()) return malformed("the keys do not fill it exactly");
  return keys;
}

void append_lookup_result(std::string& out, const LookupResult& result) {
  const bool has_value = result.status == LookupStatus::found;
  char fixed[kLookupResultFixedBytes];
  fixed[0] = static_cast<char>(result.status);
  fixed[1] = static_cast<char>(result.ambiguous ? kAmbiguous : 0);
  store_be(fixed + 2, static_cast<std::uint16_t>(result.error));
  store_be(fixed + 4, result.key_index);
  store_be(fixed + 8, result.partition.value());
  store_be(fixed + 12, result.offset.value());
  store_be(fixed + 20, result.timestamp.value());
  store_be(fixed + 28, has_value ? static_cast<std::int32_t>(result.value.size()) : std::int32_t{-1});
  store_be(fixed + 32, result.header_count);
  store_be(fixed + 36, static_cast<std::uint32_t>(result.raw_headers.size()));
  out.append(fixed, sizeof fixed);
  if (has_value) out.append(result.value);
  out.append(result.raw_headers);
}

Result<std::vector<LookupResult>> decode_lookup_results(ByteView attachment, std::uint32_t count) {
  ByteReader reader(attachment);
  if (count > attachment.size() / kLookupResultFixedBytes) return malformed("fewer bytes than results need");
  std::vector<LookupResult> results;
  results.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    LookupResult& result = results.emplace_back();
    const auto status = reader.fixed<std::uint8_t>();
    if (status > static_cast<std::uint8_t>(LookupStatus::failed)) return malformed("unknown lookup status");
    result.status = static_cast<LookupStatus>(status);
    result.ambiguous = (reader.fixed<std::uint8_t>() & kAmbiguous) != 0;
    result.error = errc_from_wire(reader.fixed<std::uint16_t>());
    result.key_index = reader.fixed<std::uint32_t>();
    result.partition = PartitionId(reader.fixed<std::int32_t>());
    result.offset = Offset(reader.fixed<std::int64_t>());
    result.timestamp = TimestampMs(reader.fixed<std::int64_t>());
    const auto value_bytes = reader.fixed<std::int32_t>();
    result.header_count = reader.fixed<std::uint32_t>();
    const auto headers_bytes = reader.fixed<std::uint32_t>();
    if (value_bytes >= 0) result.value = reader.bytes(static_cast<std::size_t>(value_bytes));
    result.raw_headers = reader.bytes(headers_bytes);
    if (!reader.ok()) return malformed("a lookup result is cut short");
  }
  if (!reader.at_end()) return malformed("bytes after the last lookup result");
  return results;
}

}  // namespace logcask
