#pragma once
// Whether a connection executes further frames: not while somebody holds it, nor for a while after somebody has asked
// it to slow down.
//
// A part of its connection's protocol. Loop thread only.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "broker/threads/event_loop.h"

namespace logcask {

class InputGate {
 public:
  // For a partition that asks its producers to slow down.
  static constexpr std::int64_t kSlowMs = 10;

  bool open() const { return holds_ == 0 && !paused_; }
  // Closed until as many calls of release().
  void hold() { ++holds_; }
  void release() { --holds_; }
  // Closed for so long, or as long as it is already; then `reopened(owner)`. `owner` is what the gate is a part of:
  // nothing happens when it has gone.
  template <class Owner, class Reopened>
  void pause(EventLoop& loop, std::int64_t ms, std::weak_ptr<Owner> owner, Reopened reopened) {
    if (std::exchange(paused_, true)) return;
    loop.call_after(ms, [this, owner = std::move(owner), reopened = std::move(reopened)] {
      const auto self = owner.lock();
      if (!self) return;
      paused_ = false;
      reopened(*self);
    });
  }

 private:
  std::size_t holds_ = 0;
  bool paused_ = false;
};

}  // namespace logcask
