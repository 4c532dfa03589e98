#pragma once
// Load on a broker with an oracle in the parent process: every key has one writer, who numbers its writes, and
// remembers what was sent and what was acknowledged. Whatever then happens to the broker, check() says whether it kept
// its word.

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/random.h"
#include "tests/broker/native_client.h"

namespace logcask::testing {

class AckedLoad {
 public:
  struct Shape {
    int writers = 4;
    int keys_per_writer = 50;
    bool acks_all = false;   // else every other writer sends with acks=1
    bool compacted = false;  // old records may go; a thread asks for compaction over and over
  };
  static constexpr const char* kTopic = "t";
  static constexpr int kPartitions = 2;

  AckedLoad(std::uint64_t seed, const Shape& shape) : shape_(shape), random_(seed), writers_(shape.writers) {}
  ~AckedLoad() { join(); }
  AckedLoad(const AckedLoad&) = delete;
  AckedLoad& operator=(const AckedLoad&) = delete;

  // The writers work until the broker is gone or stop().
  void start(std::uint16_t port);
  void stop() { stopping_ = true; }
  void join();
  int acks() const { return acks_; }          // since start()
  int refusals() const { return refusals_; }  // since start(): storage_full

  // Fails the test unless everything acknowledged is there, nothing was invented and no offset was used twice.
  void check(NativeClient& client);

 private:
  using Numbers = std::map<std::int64_t, std::int64_t>;  // number -> offset
  struct Writer {
    std::map<std::string, Numbers> acked;
    std::map<std::string, std::set<std::int64_t>> sent;  // from the last one acknowledged on
    std::int64_t next_number = 1;
  };
  using Record = std::pair<std::string, std::optional<std::string>>;
  using Log = std::map<std::pair<int, std::int64_t>, Record>;  // by partition and offset

  void write(std::unique_ptr<NativeClient> client, int index, std::uint64_t seed);
  void compact(std::unique_ptr<NativeClient> client);
  static Log read_all(NativeClient& client);
  void check_writer(NativeClient& client, int index, const Log& log, const std::map<std::string, Record>& newest);
  void forget_superseded();

  const Shape shape_;
  Random random_;
  std::vector<Writer> writers_;
  std::vector<std::thread> threads_;
  std::atomic<bool> stopping_{false};
  std::atomic<int> acks_{0};
  std::atomic<int> refusals_{0};
};

}  // namespace logcask::testing
