#pragma once
// A partition as a producer sees it: sequence rules, duplicates, conditions, in memory. For tests of the client.
// Batches are checked with the broker's own check, so a wrong byte in the client's encoding fails here.

#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "logcask/record.h"
#include "proto/record_batch.h"

namespace logcask::client {

struct ModelRecord {
  std::string key;
  std::optional<std::string> value;
  std::size_t headers = 0;
};

struct ModelAnswer {
  Errc code = Errc::ok;
  std::int64_t base_offset = -1;
  bool duplicate = false;
  std::uint32_t failed_record = 0;
  std::int64_t current_offset = -1;
  bool current_is_tombstone = false;
  std::vector<std::uint32_t> refused;
};

struct ModelCondition {
  std::uint32_t record = 0;
  Condition condition;
};

// A record with this value makes its batch an invalid one, always.
inline constexpr char kPoison[] = "poison";

class ModelPartition {
 public:
  ModelAnswer append(ByteView batch, const std::vector<ModelCondition>& conditions);
  // Keys from `limit` on are refused when they would be new, as a keydir budget does.
  void set_key_limit(std::size_t limit) { key_limit_ = limit; }
  void forget_producers() { producers_.clear(); }

  const std::vector<ModelRecord>& records() const { return records_; }
  // Raw batches with base offsets, as a fetch returns them.
  std::string batches_from(std::int64_t offset) const;
  std::int64_t latest(const std::string& key) const;

 private:
  struct Accepted {
    std::int32_t first = 0;
    std::int32_t last = 0;
    std::int64_t base_offset = 0;
  };
  struct Producer {
    std::int16_t epoch = 0;
    std::deque<Accepted> accepted;
  };
  struct StoredBatch {
    std::int64_t base_offset = 0;
    std::int64_t next_offset = 0;
    std::string bytes;
  };

  std::optional<ModelAnswer> check_sequence(const BatchHeader& header) const;
  std::optional<ModelAnswer> check_conditions(const CheckedBatch& batch,
                                              const std::vector<ModelCondition>& conditions) const;

  std::vector<ModelRecord> records_;
  std::vector<StoredBatch> batches_;
  std::map<std::string, std::int64_t> latest_;
  std::map<std::int64_t, Producer> producers_;
  std::size_t key_limit_ = SIZE_MAX;
};

}  // namespace logcask::client
