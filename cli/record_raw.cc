#include "cli/record_raw.h"

#include "base/coding.h"

namespace logcask::cli {
namespace {

constexpr std::size_t kLengthBytes = 4;

void append_raw_field(std::string& out, const std::optional<ByteView>& field) {
  char length[kLengthBytes];
  store_be<std::int32_t>(length, field ? static_cast<std::int32_t>(field->size()) : -1);
  out.append(length, kLengthBytes);
  if (field) out.append(*field);
}

// Where the field that starts at `at` ends, its length being readable.
Result<std::size_t> field_end(ByteView bytes, std::size_t at) {
  const auto length = load_be<std::int32_t>(bytes.data() + at);
  if (length < -1 || length > kMaxRawFieldBytes)
    return Error{Errc::invalid_record, "length " + std::to_string(length) +
                                           " is none; raw input is i32 key length, key, i32 value length, value"};
  return at + kLengthBytes + static_cast<std::size_t>(length < 0 ? 0 : length);
}

std::optional<std::string> read_raw_field(ByteReader& reader) {
  const auto length = reader.fixed<std::int32_t>();
  if (length < 0) return std::nullopt;
  return std::string(reader.bytes(static_cast<std::size_t>(length)));
}

}  // namespace

void append_raw_record(std::string& out, const RecordOut& record) {
  append_raw_field(out, record.key);
  append_raw_field(out, record.value);
}

Result<std::size_t> raw_record_bytes(ByteView bytes) {
  if (bytes.size() < kLengthBytes) return kLengthBytes;
  LOGCASK_ASSIGN(const std::size_t key_end, field_end(bytes, 0));
  if (bytes.size() < key_end + kLengthBytes) return key_end + kLengthBytes;
  return field_end(bytes, key_end);
}

Result<RecordIn> parse_raw_record(ByteView bytes) {
  ByteReader reader(bytes);
  RecordIn record;
  record.key = read_raw_field(reader);
  record.value = read_raw_field(reader);
  if (!reader.at_end()) return Error{Errc::invalid_record, "the lengths do not fit the record"};
  return record;
}

}  // namespace logcask::cli
