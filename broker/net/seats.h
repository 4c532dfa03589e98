#pragma once
// How many connections there may be, of all listeners together, and how many of them from one address.
//
// Any thread. Outlives its seats.

#include <cstddef>
#include <map>
#include <mutex>
#include <string>

#include "base/result.h"

namespace logcask {

class Seats {
 public:
  struct Limits {
    std::size_t connections_max = 10'000;
    std::size_t connections_max_per_address = 2'000;
  };
  // One connection's place, until destruction. Move-only; empty by default.
  class Seat {
   public:
    Seat() = default;
    Seat(Seat&& other) noexcept;
    Seat& operator=(Seat&& other) noexcept;
    ~Seat() { give_back(); }
    explicit operator bool() const { return seats_ != nullptr; }

   private:
    friend class Seats;
    Seat(Seats* seats, std::string address) : seats_(seats), address_(std::move(address)) {}
    void give_back();
    Seats* seats_ = nullptr;
    std::string address_;
  };

  explicit Seats(Limits limits) : limits_(limits) {}
  Seats(const Seats&) = delete;
  Seats& operator=(const Seats&) = delete;

  // limit_exceeded when all are taken, or all that one address may have, with the setting and its number.
  Result<Seat> take(const std::string& address);

 private:
  static Error refusal(std::size_t limit, const char* setting, const std::string& whose);
  const Limits limits_;
  std::mutex mutex_;
  std::size_t taken_ = 0;                           // guarded
  std::map<std::string, std::size_t> per_address_;  // guarded
};

}  // namespace logcask
