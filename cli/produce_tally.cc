#include "cli/produce_tally.h"

#include <algorithm>

namespace logcask::cli {
namespace {

std::string latest_record_text(const client::Delivery& delivery) {
  if (delivery.current_offset == kNoOffset) return "the key has no record";
  return std::string("the key's latest record is ") + (delivery.current_is_tombstone ? "a delete" : "a value") +
         " at offset " + std::to_string(delivery.current_offset.value());
}

}  // namespace

void ProduceTally::count(const client::Delivery& delivery, std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  if (delivery.ok()) {
    ++written_;
    last_written_number_ = std::max(last_written_number_, number);
    auto& last = last_offsets_.try_emplace(delivery.partition.value(), kNoOffset).first->second;
    if (delivery.offset > last) last = delivery.offset;
    return;
  }
  if (failed_++ == 0 || number < failed_number_) {
    failed_number_ = number;
    failure_ = delivery_error(delivery);
  }
}

bool ProduceTally::any_failed() const {
  const std::lock_guard lock(mutex_);
  return failed_ > 0;
}

std::uint64_t ProduceTally::written() const {
  const std::lock_guard lock(mutex_);
  return written_;
}

Error delivery_error(const client::Delivery& delivery) {
  Error error = delivery.status.error();
  if (error.code == Errc::condition_failed)
    error.message = "the condition does not hold: " + latest_record_text(delivery);
  return error;
}

}  // namespace logcask::cli
