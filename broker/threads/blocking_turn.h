#pragma once
// Lets an I/O thread wait for the disk by itself where nobody would notice it. One durable record at a time costs two
// hand-overs otherwise, to a flush thread and back: a third of its time where the disk is quick.
//
// A thread may block while the request it executes is all that its only connection waits for, no other I/O thread
// blocks, and new connections arrive elsewhere: never the thread that accepts them, so a broker with one I/O thread
// does without. A disk that took longer than kSlowNs ends it for kPauseNs, for all threads: it would be a stall as soon
// as a second connection comes.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/clock.h"

namespace logcask {

// One for all I/O threads of a broker. Any thread, but where it says otherwise. Outlives every offer and turn.
class BlockingTurns {
 public:
  static constexpr std::int64_t kSlowNs = 5'000'000;
  static constexpr std::int64_t kPauseNs = 60'000'000'000;

  // The first of `threads` accepts connections.
  BlockingTurns(const Clock& clock, std::size_t threads);
  BlockingTurns(const BlockingTurns&) = delete;
  BlockingTurns& operator=(const BlockingTurns&) = delete;

  // Where a new connection is best: the thread with the fewest, of those the last. It is counted there until left().
  // Never a thread that blocks, and none begins to block afterwards. The accepting thread only.
  std::size_t join();
  void left(std::size_t thread);

  // While one lives on an I/O thread, that thread may take a turn. On one thread at most one at a time.
  class Offer {
   public:
    Offer() = default;  // of nothing
    Offer(BlockingTurns& turns, std::size_t thread);
    ~Offer();
    Offer(const Offer&) = delete;
    Offer& operator=(const Offer&) = delete;

   private:
    bool made_ = false;
  };

  // The right to block until its end, of the thread that asked for it.
  class Turn {
   public:
    // Empty when this thread may not block now. Of one offer at most one turn comes.
    static Turn take();
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    explicit operator bool() const { return turns_ != nullptr; }

   private:
    explicit Turn(BlockingTurns* turns) : turns_(turns) {}
    BlockingTurns* const turns_;
  };

 private:
  static constexpr std::size_t kNobody = SIZE_MAX;
  bool begin(std::size_t thread);
  void end();

  const Clock& clock_;
  const std::size_t threads_;
  const std::unique_ptr<std::atomic<std::size_t>[]> connections_;  // of each thread
  std::atomic<std::size_t> blocking_{kNobody};
  std::atomic<std::int64_t> not_before_ns_;
  std::int64_t began_ns_ = 0;  // of whoever blocks
};

}  // namespace logcask
