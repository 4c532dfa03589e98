#pragma once
// What has to happen about once a second: every partition's tick, noticing that all keydirs are complete, opening
// partitions again that are offline for a reason that may pass, and whatever else is to be watched.
//
// Runs on the background executor. stop() returns when no round is under way and none will begin.

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "broker/services/admin_service.h"
#include "broker/threads/executor.h"
#include "broker/topics/topics.h"

namespace logcask {

class Upkeep {
 public:
  Upkeep(Topics& topics, Executor& executor, const Clock& clock, BrokerFacts& facts);
  ~Upkeep() { stop(); }

  // Called in each round. Before start().
  void also(std::function<void()> watch) { watches_.push_back(std::move(watch)); }
  void start();
  void stop();

 private:
  // Outlives this: a round that is queued finds out that it is over.
  struct Gate {
    std::mutex mutex;
    std::condition_variable idle;
    bool stopped = false;
    bool running = false;
  };
  void arm();
  void round();
  void note_loading();
  void reopen_offline();

  Topics& topics_;
  Executor& executor_;
  const Clock& clock_;
  BrokerFacts& facts_;
  std::vector<std::function<void()>> watches_;
  const std::shared_ptr<Gate> gate_ = std::make_shared<Gate>();
  // Rounds only.
  bool loaded_ = false;
  std::int64_t last_ticks_ns_ = 0;
  int reopen_in_rounds_ = 0;
  int reopen_pause_rounds_ = 0;
};

}  // namespace logcask
