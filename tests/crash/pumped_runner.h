#pragma once
// A partition whose executors nobody runs but the caller: whoever waits for it runs them first. So one thread, which
// blocks where the broker's would, gets the same operations in the same order every time.

#include <functional>
#include <memory>
#include <utility>

#include "tests/support/forwarding_runner.h"

namespace logcask::testing {

class PumpedRunner final : public ForwardingRunner {
 public:
  PumpedRunner(std::shared_ptr<PartitionRunner> inner, std::function<void()> pump)
      : ForwardingRunner(std::move(inner)), pump_(std::move(pump)) {}

  bool append(PreparedBatch batch, Acks acks, std::function<void(AppendResult)> done) override {
    const bool others_wait = ForwardingRunner::append(std::move(batch), acks, std::move(done));
    pump_();
    return others_wait;
  }
  Result<Offset> delete_records(Offset before) override {
    pump_();
    return ForwardingRunner::delete_records(before);
  }
  Status roll() override {
    pump_();
    return ForwardingRunner::roll();
  }
  Status flush() override {
    pump_();
    return ForwardingRunner::flush();
  }
  void close(const Error& reason) override {
    pump_();
    ForwardingRunner::close(reason);
  }
  Result<std::string> reopen() override {
    pump_();
    return ForwardingRunner::reopen();
  }
  void tick() override {
    ForwardingRunner::tick();
    pump_();
  }

 private:
  const std::function<void()> pump_;
};

}  // namespace logcask::testing
