#include "broker/net/memory_share.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace logcask {

MemoryShare::Lease::Lease(Lease&& other) noexcept
    : share_(std::exchange(other.share_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}

MemoryShare::Lease& MemoryShare::Lease::operator=(Lease&& other) noexcept {
  if (this == &other) return *this;
  give_back();
  share_ = std::exchange(other.share_, nullptr);
  bytes_ = std::exchange(other.bytes_, 0);
  return *this;
}

void MemoryShare::Lease::give_back() {
  if (share_) std::exchange(share_, nullptr)->sub(std::exchange(bytes_, 0));
}

bool MemoryShare::Lease::grow(std::size_t bytes) {
  if (share_->waiting_.load() > 0 || !share_->take(bytes)) return false;
  bytes_ += bytes;
  return true;
}

bool MemoryShare::take(std::size_t bytes) {
  std::size_t used = used_.load();
  do {
    // What is larger than all there is gets through alone.
    if (used > 0 && (bytes > limit_ || used > limit_ - bytes)) return false;
  } while (!used_.compare_exchange_weak(used, used + bytes));
  return true;
}

MemoryShare::Lease MemoryShare::try_take(std::size_t bytes) {
  if (waiting_.load() > 0 || !take(bytes)) return {};
  return {this, bytes};
}

MemoryShare::Lease MemoryShare::take_or_wait(std::size_t bytes, Granted granted, std::uint64_t& place) {
  if (Lease lease = try_take(bytes)) return lease;
  const std::lock_guard lock(mutex_);
  // Announced before the last look: whoever gives back afterwards sees the line.
  waiting_.fetch_add(1);
  if (line_.empty() && take(bytes)) {
    waiting_.fetch_sub(1);
    return {this, bytes};
  }
  place = next_place_++;
  line_.push_back({place, bytes, std::move(granted)});
  return {};
}

void MemoryShare::leave(std::uint64_t place) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(line_.begin(), line_.end(), [place](const Waiter& w) { return w.place == place; });
    if (found == line_.end()) return;
    line_.erase(found);
    waiting_.fetch_sub(1);
  }
  // The next one may want less.
  serve_line();
}

void MemoryShare::sub(std::size_t bytes) {
  used_.fetch_sub(bytes);
  if (waiting_.load() > 0) serve_line();
}

void MemoryShare::serve_line() {
  std::vector<Waiter> served;
  {
    const std::lock_guard lock(mutex_);
    while (!line_.empty() && take(line_.front().bytes)) {
      served.push_back(std::move(line_.front()));
      line_.pop_front();
      waiting_.fetch_sub(1);
    }
  }
  for (Waiter& waiter : served) waiter.granted(Lease(this, waiter.bytes));
}

}  // namespace logcask
