#include "broker/net/seats.h"

#include <utility>

namespace logcask {

Seats::Seat::Seat(Seat&& other) noexcept
    : seats_(std::exchange(other.seats_, nullptr)), address_(std::move(other.address_)) {}

Seats::Seat& Seats::Seat::operator=(Seat&& other) noexcept {
  if (this == &other) return *this;
  give_back();
  seats_ = std::exchange(other.seats_, nullptr);
  address_ = std::move(other.address_);
  return *this;
}

void Seats::Seat::give_back() {
  if (!seats_) return;
  Seats& seats = *std::exchange(seats_, nullptr);
  const std::lock_guard lock(seats.mutex_);
  --seats.taken_;
  const auto found = seats.per_address_.find(address_);
  if (--found->second == 0) seats.per_address_.erase(found);
}

Seats::Seat Seats::try_take(const std::string& address) {
  const std::lock_guard lock(mutex_);
  if (taken_ >= limits_.connections_max) return {};
  const auto found = per_address_.find(address);
  if (found != per_address_.end() && found->second >= limits_.connections_max_per_address) return {};
  ++per_address_[address];
  ++taken_;
  return {this, address};
}

Error Seats::refusal(const std::string& address) {
  const std::lock_guard lock(mutex_);
  const bool all = taken_ >= limits_.connections_max;
  const std::size_t limit = all ? limits_.connections_max : limits_.connections_max_per_address;
  return Error{Errc::limit_exceeded, "the broker is up and has as many connections" +
                                         (all ? std::string() : " from " + address) +
                                         " as it takes: " + std::to_string(limit) + " (" +
                                         (all ? "connections.max" : "connections.max.per.address") +
                                         "); end some of them or raise the setting"};
}

}  // namespace logcask
