#pragma once
// What became of the records that produce has sent so far.
//
// Threads: count from the client's, the rest from the verb's.

#include <cstdint>
#include <map>
#include <mutex>

#include "base/result.h"
#include "base/types.h"
#include "logcask/producer.h"

namespace logcask::cli {

class ProduceTally {
 public:
  // `number`: of the record in the input.
  void count(const client::Delivery& delivery, std::uint64_t number);
  bool any_failed() const;
  std::uint64_t written() const;
  // Has a record behind the first one that failed been written? They travel in batches, to several partitions.
  bool written_behind_failure() const { return last_written_number_ > failed_number_; }
  // Only when all deliveries are in: the first record that failed, and why.
  std::uint64_t failed_number() const { return failed_number_; }
  const Error& failure() const { return failure_; }
  const std::map<std::int32_t, Offset>& last_offsets() const { return last_offsets_; }

 private:
  mutable std::mutex mutex_;
  std::uint64_t written_ = 0;
  std::uint64_t last_written_number_ = 0;
  std::uint64_t failed_ = 0;
  std::uint64_t failed_number_ = 0;
  Error failure_{Errc::ok, {}};
  std::map<std::int32_t, Offset> last_offsets_;
};

// The error of a delivery in words; of a failed condition where the key's latest record is.
Error delivery_error(const client::Delivery& delivery);

}  // namespace logcask::cli
