#include "broker/threads/blocking_turn.h"

#include <utility>

#include "base/check.h"

namespace logcask {
namespace {

struct Offered {
  BlockingTurns* turns = nullptr;
  std::size_t thread = 0;
};
thread_local Offered offered;

}  // namespace

BlockingTurns::BlockingTurns(const Clock& clock, std::size_t threads)
    : clock_(clock),
      threads_(threads),
      connections_(std::make_unique<std::atomic<std::size_t>[]>(threads)),
      not_before_ns_(clock.monotonic_ns()) {}

// A connection is counted before it is seen whether the thread blocks, and begin() does it the other way round: at
// least one of the two sees the other.
std::size_t BlockingTurns::join() {
  std::size_t best = threads_ - 1;
  for (std::size_t thread = threads_ - 1; thread-- > 0;)
    if (connections_[thread].load() < connections_[best].load()) best = thread;
  ++connections_[best];
  if (blocking_.load() != best) return best;
  --connections_[best];
  ++connections_[0];
  return 0;
}

void BlockingTurns::left(std::size_t thread) { --connections_[thread]; }

bool BlockingTurns::begin(std::size_t thread) {
  const std::int64_t now = clock_.monotonic_ns();
  if (thread == 0 || now < not_before_ns_.load()) return false;
  std::size_t nobody = kNobody;
  if (!blocking_.compare_exchange_strong(nobody, thread)) return false;
  if (connections_[thread].load() == 1) {
    began_ns_ = now;
    return true;
  }
  blocking_.store(kNobody);
  return false;
}

void BlockingTurns::end() {
  const std::int64_t now = clock_.monotonic_ns();
  if (now - began_ns_ > kSlowNs) not_before_ns_.store(now + kPauseNs);
  blocking_.store(kNobody);
}

BlockingTurns::Offer::Offer(BlockingTurns& turns, std::size_t thread) : made_(true) {
  LOGCASK_CHECK(!offered.turns);
  offered = {&turns, thread};
}

BlockingTurns::Offer::~Offer() {
  if (made_) offered = {};
}

BlockingTurns::Turn BlockingTurns::Turn::take() {
  const Offered taken = std::exchange(offered, {});
  return Turn(taken.turns && taken.turns->begin(taken.thread) ? taken.turns : nullptr);
}

BlockingTurns::Turn::~Turn() {
  if (turns_) turns_->end();
}

}  // namespace logcask
