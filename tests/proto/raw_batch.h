#pragma once
// Batches written field by field, right or wrong, without the code under test.

#include <string>

#include "base/coding.h"
#include "base/crc32c.h"
#include "base/types.h"

namespace logcask {

struct RawRecord {
  std::int64_t timestamp_delta = 0;
  std::int32_t offset_delta = 0;
  std::int32_t key_size = -2;  // -2 = that of `key`
  std::string key = "k";
  std::int32_t value_size = -2;  // -2 = that of `value`
  std::string value = "v";
  std::int32_t header_count = 0;
  std::string headers;       // encoded
  std::string tail;          // bytes after the last field, inside the record
  std::int32_t length = -2;  // -2 = the right one
  char attributes = 0;

  std::string bytes() const {
    std::string body(1, attributes);
    ByteWriter writer(body);
    writer.varlong(timestamp_delta);
    writer.varint(offset_delta);
    writer.varint(key_size == -2 ? static_cast<std::int32_t>(key.size()) : key_size);
    writer.bytes(key);
    writer.varint(value_size == -2 ? static_cast<std::int32_t>(value.size()) : value_size);
    writer.bytes(value);
    writer.varint(header_count);
    writer.bytes(headers);
    writer.bytes(tail);
    std::string out;
    ByteWriter(out).varint(length == -2 ? static_cast<std::int32_t>(body.size()) : length);
    return out + body;
  }
};

struct RawBatch {
  std::int64_t base_offset = 0;
  std::int32_t length = -1;  // -1 = the right one
  std::int32_t leader_epoch = 0;
  std::int8_t magic = 2;
  std::int16_t attributes = 0;
  std::int32_t last_offset_delta = 0;
  std::int64_t base_timestamp = 1000;
  std::int64_t max_timestamp = 1000;
  std::int64_t producer_id = -1;
  std::int16_t producer_epoch = -1;
  std::int32_t base_sequence = -1;
  std::int32_t record_count = 1;
  std::string records = RawRecord().bytes();

  std::string bytes() const {
    std::string covered;  // by the CRC
    ByteWriter tail(covered);
    tail.fixed(attributes);
    tail.fixed(last_offset_delta);
    tail.fixed(base_timestamp);
    tail.fixed(max_timestamp);
    tail.fixed(producer_id);
    tail.fixed(producer_epoch);
    tail.fixed(base_sequence);
    tail.fixed(record_count);
    tail.bytes(records);
    std::string out;
    ByteWriter head(out);
    head.fixed(base_offset);
    head.fixed(length >= 0 ? length : static_cast<std::int32_t>(covered.size() + 9));
    head.fixed(leader_epoch);
    head.fixed(magic);
    head.fixed(crc32c(covered));
    return out + covered;
  }
};

}  // namespace logcask
