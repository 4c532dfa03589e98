#pragma once
// One attack: a broker with little memory, an honest client beside the attackers, and a row of the table.

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/broker/native_client.h"
#include "tests/hostile/limited_broker.h"

namespace logcask::testing {

// Puts and gets of small records, one every few milliseconds, on a thread and connection of its own.
class HonestClient {
 public:
  explicit HonestClient(std::uint16_t port);
  ~HonestClient() { stop(); }
  void stop();
  // Forgets what was measured.
  void restart();
  double p99_ms() const;
  std::size_t requests() const;
  // Answers that were errors or did not come.
  std::size_t failures() const { return failures_; }

 private:
  void run();
  bool one(std::uint64_t number);

  NativeClient client_;
  std::atomic<bool> stopping_{false};
  std::atomic<std::size_t> failures_{0};
  mutable std::mutex mutex_;
  std::vector<double> latencies_ms_;  // guarded
  std::thread thread_;
};

struct Fates {
  std::size_t offenders = 0, answered = 0, closed = 0, without = 0;
};

class Arena {
 public:
  explicit Arena(std::string attack, const std::vector<std::string>& settings = {}, std::uint64_t open_files = 0);

  LimitedBroker& broker() { return broker_; }
  std::uint16_t port() const { return broker_.port(); }
  HonestClient& honest() { return *honest_; }
  // Measures the honest client alone, then with `attack`, which runs on a thread of its own and must not REQUIRE;
  // checks its p99, the memory, and that nobody is without fate.
  void run(const std::function<Fates()>& attack);
  // Connections open now, apart from the honest ones.
  std::int64_t foreign_connections();

 private:
  const std::string attack_;
  LimitedBroker broker_;
  std::unique_ptr<NativeClient> control_;
  std::unique_ptr<HonestClient> honest_;
};

}  // namespace logcask::testing
