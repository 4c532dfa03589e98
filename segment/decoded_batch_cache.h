#pragma once
// Compressed batches, decompressed: a lookup in one pays for the codec once. Broker-wide, least recently used goes
// first, bounded in bytes; a batch larger than a shard's share is never kept. Safe from any thread.

#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "proto/record_batch.h"

namespace logcask {

// Immutable once made.
class DecodedBatch {
 public:
  // `batch` is whole and its CRC holds. corrupt_message when its records are not sound.
  static Result<std::shared_ptr<const DecodedBatch>> decode(const BatchHeader& header, ByteView batch,
                                                            std::size_t max_bytes);
  const BatchHeader& header() const { return header_; }
  // not_found when the batch holds no record of that offset. The view points into this object.
  Result<RecordView> record(Offset offset) const;
  std::size_t memory_bytes() const;

 private:
  struct Mark {
    std::uint32_t offset_delta;
    std::uint32_t position;
  };
  BatchHeader header_;
  std::string records_;
  std::vector<Mark> marks_;
};

class DecodedBatchCache {
 public:
  explicit DecodedBatchCache(std::size_t max_bytes) : shard_bytes_(max_bytes / kShards) {}

  // Null when it is not there. `segment` is Segment::instance_id().
  std::shared_ptr<const DecodedBatch> find(std::uint64_t segment, std::uint64_t position);
  void insert(std::uint64_t segment, std::uint64_t position, std::shared_ptr<const DecodedBatch> batch);
  std::size_t bytes() const;

 private:
  static constexpr std::size_t kShards = 8;
  struct Key {
    std::uint64_t segment;
    std::uint64_t position;
    friend bool operator==(const Key&, const Key&) = default;
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const noexcept {
      return (key.segment * 0x9E3779B97F4A7C15ull) ^ (key.position * 0xD1B54A32D192ED03ull);
    }
  };
  struct Slot {
    Key key;
    std::shared_ptr<const DecodedBatch> batch;
  };
  struct Shard {
    mutable std::mutex mutex;
    std::list<Slot> newest_first;
    std::unordered_map<Key, std::list<Slot>::iterator, KeyHash> slots;
    std::size_t bytes = 0;
  };
  Shard& shard_of(const Key& key) { return shards_[(KeyHash()(key) >> 32) % kShards]; }

  const std::size_t shard_bytes_;
  Shard shards_[kShards];
};

}  // namespace logcask
