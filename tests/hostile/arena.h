#pragma once
// One attack: a broker with little memory, an honest client beside the attackers, and a row of the table.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "tests/broker/native/native_client.h"
#include "tests/hostile/limited_broker.h"
#include "tests/hostile/peers.h"

namespace logcask::testing {

// Puts and gets of small records, one every few milliseconds, on a connection of its own. Each is sent when it was
// planned, whatever earlier ones are still waiting for, and its latency counts from then: a stall counts in every call
// that it held up.
class HonestClient {
 public:
  explicit HonestClient(std::uint16_t port);
  ~HonestClient() { stop(); }
  // Sends no more and waits for what is open.
  void stop();
  // Forgets what was planned before.
  void restart();
  double p99_ms() const { return share_ms(0.99); }
  double max_ms() const { return share_ms(1); }
  std::size_t requests() const;
  // Answers that were errors or did not come.
  std::size_t failures() const { return failures_; }

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Planned {
    Time at;
    bool put = false;
  };

  double share_ms(double share) const;
  void send_all();
  void send_one(std::uint64_t number, Time planned);
  void receive_all();
  bool receive_one();

  NativeClient client_;  // sends on one thread, receives on the other
  std::atomic<bool> stopping_{false};
  std::atomic<std::size_t> failures_{0};
  mutable std::mutex mutex_;
  std::condition_variable sent_;
  bool sent_all_ = false;                            // guarded
  std::unordered_map<std::uint64_t, Planned> open_;  // guarded
  Time since_;                                       // guarded
  std::vector<double> latencies_ms_;                 // guarded
  std::thread sender_, receiver_;
};

// `without` had another fate than the one that is due, or not in time; `why` says it of the first few.
struct Fates {
  std::size_t offenders = 0, answered = 0, closed = 0, without = 0;
  std::string why;
  void add(const Fates& more);
};
Fates fates_of(Peers& peers, const Judge& judge);

// One attack and what it did to an honest client: before it, on a broker that nobody attacks, and on the attacked one.
struct Round {
  struct Latency {
    double p99_ms = 0, max_ms = 0;
  };
  Fates fates;
  Latency alone, aside, attacked;
  bool bearable() const;
};

class Arena {
 public:
  explicit Arena(std::string attack, const std::vector<std::string>& settings = {}, std::uint64_t open_files = 0);

  LimitedBroker& broker() { return broker_; }
  std::uint16_t port() const { return broker_.port(); }
  // Measures an honest client alone, then with `attack`, which runs on a thread of its own and must not REQUIRE;
  // checks its p99 and slowest call, the memory, and that everybody had the fate that was due. A second broker, which
  // nobody attacks, and its own honest client show what the machine does to both meanwhile. Where the honest client
  // waited too long the attack is led again, up to four times, of which two must be bearable: what the broker does to
  // its clients shows nearly each time, what the machine does seldom.
  void run(const std::function<Fates()>& attack);
  // Connections open now, apart from the honest ones.
  std::int64_t foreign_connections();

 private:
  Round lead(const std::function<Fates()>& attack);
  void check(const Round& round);

  const std::string attack_;
  LimitedBroker broker_, other_broker_;
  std::unique_ptr<NativeClient> control_;
};

}  // namespace logcask::testing
