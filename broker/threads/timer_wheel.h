#pragma once
// Many coarse timers, most of which are cancelled: adding and cancelling are O(1) and allocate nothing once warm.
//
// Owned by one thread. Time is a parameter: the owner calls advance() at next_ms(), or whenever it likes.
// A timer never runs early and runs at the first advance() that is past its time. Callbacks may add and cancel.

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

namespace logcask {

class TimerWheel {
 public:
  static constexpr std::int64_t kTickMs = 8;
  using Id = std::uint64_t;

  explicit TimerWheel(std::int64_t now_ms);
  Id add(std::int64_t now_ms, std::int64_t delay_ms, std::function<void()> task);
  // False when the timer has run, is running or was cancelled.
  bool cancel(Id id);
  void advance(std::int64_t now_ms);
  bool empty() const { return count_ == 0; }
  // When advance() may have something to do; not after the first timer is due. INT64_MAX when empty.
  std::int64_t next_ms() const;

 private:
  static constexpr std::uint32_t kNone = UINT32_MAX;
  static constexpr std::size_t kSlots = 512;
  struct Node {
    std::int64_t due_tick = 0;
    std::function<void()> task;
    std::uint32_t generation = 1;
    std::uint32_t next = kNone, previous = kNone;
    std::uint32_t slot = kNone;  // kNone = free
  };

  void unlink(std::uint32_t index);
  std::function<void()> release(std::uint32_t index);
  void run_slot(std::size_t slot);

  std::vector<Node> nodes_;
  std::vector<std::uint32_t> free_;
  std::array<std::uint32_t, kSlots> heads_;
  std::int64_t tick_;  // the last one that was run
  std::size_t count_ = 0;
};

}  // namespace logcask
