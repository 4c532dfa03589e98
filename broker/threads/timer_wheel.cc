#include "broker/threads/timer_wheel.h"

#include <algorithm>
#include <utility>

namespace logcask {

TimerWheel::TimerWheel(std::int64_t now_ms) : tick_(now_ms / kTickMs) { heads_.fill(kNone); }

TimerWheel::Id TimerWheel::add(std::int64_t now_ms, std::int64_t delay_ms, std::function<void()> task) {
  if (count_ == 0) tick_ = std::max(tick_, now_ms / kTickMs);
  std::uint32_t index;
  if (free_.empty()) {
    index = static_cast<std::uint32_t>(nodes_.size());
    nodes_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
  }
  Node& node = nodes_[index];
  // Rounded up, so that it is never early, and behind the tick that may be running.
  node.due_tick = std::max((now_ms + std::max<std::int64_t>(delay_ms, 0) + kTickMs - 1) / kTickMs, tick_ + 1);
  node.task = std::move(task);
  node.slot = static_cast<std::uint32_t>(node.due_tick % kSlots);
  node.previous = kNone;
  node.next = heads_[node.slot];
  if (node.next != kNone) nodes_[node.next].previous = index;
  heads_[node.slot] = index;
  ++count_;
  return (Id{node.generation} << 32) | index;
}

void TimerWheel::unlink(std::uint32_t index) {
  Node& node = nodes_[index];
  if (node.previous != kNone)
    nodes_[node.previous].next = node.next;
  else
    heads_[node.slot] = node.next;
  if (node.next != kNone) nodes_[node.next].previous = node.previous;
}

std::function<void()> TimerWheel::release(std::uint32_t index) {
  unlink(index);
  Node& node = nodes_[index];
  auto task = std::exchange(node.task, nullptr);
  ++node.generation;
  node.slot = kNone;
  free_.push_back(index);
  --count_;
  return task;
}

bool TimerWheel::cancel(Id id) {
  const auto index = static_cast<std::uint32_t>(id);
  const auto generation = static_cast<std::uint32_t>(id >> 32);
  if (index >= nodes_.size() || nodes_[index].generation != generation || nodes_[index].slot == kNone) return false;
  release(index);
  return true;
}

std::int64_t TimerWheel::next_ms() const {
  if (count_ == 0) return INT64_MAX;
  constexpr auto kTurn = static_cast<std::int64_t>(kSlots);
  for (std::int64_t tick = tick_ + 1; tick <= tick_ + kTurn; ++tick)
    if (heads_[static_cast<std::size_t>(tick % kTurn)] != kNone) return tick * kTickMs;
  return (tick_ + kTurn) * kTickMs;
}

void TimerWheel::run_slot(std::size_t slot) {
  // A callback may change the list, so the due ones are collected by id first.
  std::vector<Id> due;
  for (std::uint32_t index = heads_[slot]; index != kNone; index = nodes_[index].next)
    if (nodes_[index].due_tick <= tick_) due.push_back((Id{nodes_[index].generation} << 32) | index);
  for (const Id id : due) {
    const auto index = static_cast<std::uint32_t>(id);
    if (nodes_[index].generation != static_cast<std::uint32_t>(id >> 32)) continue;
    release(index)();
  }
}

void TimerWheel::advance(std::int64_t now_ms) {
  const std::int64_t target = now_ms / kTickMs;
  // After a long pause one turn of the wheel meets every slot.
  if (target - tick_ > static_cast<std::int64_t>(kSlots)) tick_ = target - static_cast<std::int64_t>(kSlots);
  while (tick_ < target && count_ > 0) {
    ++tick_;
    run_slot(static_cast<std::size_t>(tick_ % static_cast<std::int64_t>(kSlots)));
  }
  tick_ = std::max(tick_, target);
}

}  // namespace logcask
