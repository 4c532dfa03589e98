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

Result<Seats::Seat> Seats::take(const std::string& address) {
  const std::lock_guard lock(mutex_);
  if (taken_ >= limits_.connections_max) return refusal(limits_.connections_max, "connections.max", "");
  const auto found = per_address_.find(address);
  if (found != per_address_.end() && found->second >= limits_.connections_max_per_address)
    return refusal(limits_.connections_max_per_address, "connections.max.per.address", " from " + address);
  ++per_address_[address];
  ++taken_;
  return Seat(this, address);
}

Error Seats::refusal(std::size_t limit, const char* setting, const std::string& whose) {
  return Error{Errc::limit_exceeded, "the broker is up and has as many connections" + whose +
                                         " as it takes: " + std::to_string(limit) + " (" + setting +
                                         "); end some of them or raise the setting"};
}

}  // namespace logcask
