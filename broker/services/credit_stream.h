#pragma once
// What streams of records have in common: the client's credit, turns on the loop, and waits for partitions.
//
// Owned by whoever holds the open call; lives on its loop and is used there only. Sends as long as there is credit, a
// turn of the loop at a time, so that other connections get theirs.

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "broker/services/call_context.h"
#include "broker/services/visible_wait.h"

namespace logcask {

class CreditStream : public OpenCall, public std::enable_shared_from_this<CreditStream> {
 public:
  ~CreditStream() override;
  void add_credit(std::uint64_t bytes) final;
  // pump() in a later turn of the loop, unless that is under way already.
  void schedule();

 protected:
  // `sources`: how many partitions may be waited for.
  CreditStream(const ServiceParts& parts, EventLoop& loop, std::uint64_t credit, std::size_t sources);

  // Sends what there is; calls schedule() when there is more.
  virtual void pump() = 0;
  virtual bool ended() const = 0;
  // A wait has ended otherwise than with something to read.
  virtual void wait_failed(std::size_t source, Error error) = 0;

  // schedule() once there is something above `above`, or when a partition that is read-only is due for another look.
  void wait(std::size_t source, std::shared_ptr<PartitionRunner> runner, Offset above);
  // Nothing to be had from it now.
  bool idle(std::size_t source) const { return waits_[source].waiting() || resting_[source]; }
  void stop_waits();

  bool has_credit() const { return credit_ > 0; }
  // The credit, at most `most`.
  std::size_t credit(std::size_t most) const { return std::min(most, static_cast<std::size_t>(credit_)); }
  // Takes it from the credit, which may go below zero by a batch.
  void sent(std::size_t bytes);

  const ServiceParts& parts_;
  EventLoop& loop_;

 private:
  void rest(std::size_t source);

  std::int64_t credit_;
  std::deque<VisibleWait> waits_;
  std::vector<bool> resting_;  // read-only, looked at again later
  bool scheduled_ = false;
};

}  // namespace logcask
