#pragma once
// Records as programs write and read them: views, never copies.
//
// An OutRecord's bytes are copied before the call that takes it returns. A ReadRecord's views live as
// long as the call that returned it says (until the next poll of its consumer or replay); an OwnedRecord is a copy
// that lives as long as you like.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include <logcask/export.h>
#include <logcask/types.h>

namespace logcask::client {

struct HeaderView {
  ByteView name;
  std::optional<ByteView> value;
};

// What must hold at the key for the record to be written; decided by the broker where the offset is assigned.
struct Condition {
  enum class Kind : std::uint8_t {
    none,
    absent,  // the key has no live value
    exists,  // the key has a live value
    offset,  // the key's latest record, value or tombstone, is at `offset`
  };
  Kind kind = Kind::none;
  Offset offset = kNoOffset;

  static Condition absent() { return {Kind::absent, kNoOffset}; }
  static Condition exists() { return {Kind::exists, kNoOffset}; }
  static Condition at(Offset offset) { return {Kind::offset, offset}; }
};

struct OutRecord {
  std::optional<ByteView> key;
  std::optional<ByteView> value;  // none = null = tombstone: deletes the key on a compacted topic
  std::span<const HeaderView> headers;
  std::optional<TimestampMs> timestamp;  // default: now
  std::optional<PartitionId> partition;  // default: by key as the topic's partitioner says; without key, in turn
  Condition condition;
};

struct ReadRecord {
  PartitionId partition;
  Offset offset;
  TimestampMs timestamp;
  std::optional<ByteView> key;
  std::optional<ByteView> value;
  std::int32_t header_count = 0;
  ByteView raw_headers;  // as the record batch encodes them

  bool tombstone() const { return !value.has_value(); }
  LOGCASK_API std::vector<HeaderView> headers() const;
};

// An owned header, for results that outlive their answer.
struct Header {
  std::string name;
  std::optional<std::string> value;
};

// A record with bytes of its own: outlives the poll that showed it, and may go to other threads.
struct OwnedRecord {
  PartitionId partition{-1};
  Offset offset = kNoOffset;
  TimestampMs timestamp{-1};
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::vector<Header> headers;

  OwnedRecord() = default;
  LOGCASK_API explicit OwnedRecord(const ReadRecord& record);
  bool tombstone() const { return !value.has_value(); }
};

}  // namespace logcask::client
