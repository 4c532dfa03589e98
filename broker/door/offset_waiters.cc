#include "broker/door/offset_waiters.h"

namespace logcask {

OffsetWaiters::Id OffsetWaiters::add(Offset wanted_end, std::function<void(Status)> ready) {
  const Id id = next_id_++;
  // Nearly always the newest waiter waits for the furthest end.
  by_id_[id] = by_end_.insert(by_end_.end(), {wanted_end, Waiter{id, std::move(ready)}});
  return id;
}

void OffsetWaiters::cancel(Id id) {
  const auto found = by_id_.find(id);
  if (found == by_id_.end()) return;
  by_end_.erase(found->second);
  by_id_.erase(found);
}

void OffsetWaiters::finish(Queue::iterator at, Status status, Outbox& out) {
  by_id_.erase(at->second.id);
  out.push_back([ready = std::move(at->second.ready), status = std::move(status)] { ready(status); });
  by_end_.erase(at);
}

void OffsetWaiters::release(Offset end, Outbox& out) {
  while (!by_end_.empty() && by_end_.begin()->first <= end) finish(by_end_.begin(), Status(), out);
}

void OffsetWaiters::fail_above(Offset above, const Error& error, Outbox& out) {
  while (!by_end_.empty() && by_end_.rbegin()->first > above) finish(std::prev(by_end_.end()), error, out);
}

void OffsetWaiters::fail_all(const Error& error, Outbox& out) {
  while (!by_end_.empty()) finish(by_end_.begin(), error, out);
}

void run_outbox(Outbox& out) {
  for (auto& call : out) call();
  out.clear();
}

}  // namespace logcask
