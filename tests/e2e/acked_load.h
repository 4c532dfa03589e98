#pragma once
// Load on a broker with an oracle in the parent process: every key has one writer, who numbers its writes, and
// remembers what was sent, what was acknowledged and what was shown. Whatever then happens to the broker, check() says
// whether it kept its word.

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "base/random.h"
#include "tests/broker/native/native_client.h"

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
  ~AckedLoad() { join_threads(); }
  AckedLoad(const AckedLoad&) = delete;
  AckedLoad& operator=(const AckedLoad&) = delete;

  // What happens to the broker next.
  enum class Fate {
    lives,       // every answer is a success, and connections stay
    killed,      // connections may end
    power_lost,  // and everything may be refused
  };

  // The writers work until the broker is gone.
  void start(std::uint16_t port);
  // To be called before it is done; what else goes wrong in the writers fails the test in join().
  void expect(Fate fate) { fate_ = fate; }
  void join();
  int acks() const { return acks_; }  // since start()
  // Until so many are acknowledged, or something went wrong.
  void wait_for_acks(int enough) const;
  std::size_t rewrites() const { return rewritten_.size(); }  // the results that check() has seen

  // Fails the test unless everything acknowledged or shown before is there, nothing was invented, no offset was used
  // twice, no partition has a problem, and each can be compacted (now and then) and takes one more record.
  void check(NativeClient& client);
  // At the end: fails the test unless each partition has rolled and, if `compacted`, was rewritten `rewrites` times.
  void check_worked(std::size_t rewrites = 1) const;

 private:
  using Numbers = std::map<std::int64_t, std::int64_t>;  // number -> offset
  struct Writer {
    std::map<std::string, Numbers> acked;                // or shown by check(), as far as the number is known
    std::map<std::string, std::set<std::int64_t>> sent;  // from the last one acknowledged on
    std::int64_t next_number = 1;
  };
  using Record = std::pair<std::string, std::optional<std::string>>;
  using Place = std::pair<int, std::int64_t>;  // partition and offset
  using Log = std::map<Place, Record>;
  using Newest = std::map<std::string, std::pair<std::int64_t, std::optional<std::string>>>;  // by key; with the offset

  void write(std::unique_ptr<NativeClient> client, int index, std::uint64_t seed);
  void compact(std::unique_ptr<NativeClient> client, std::uint64_t seed);
  std::string random_key(Random& random, int index) const;
  // The attachment.
  std::string make_request(int index, const std::string& key, std::int64_t number, v1::RequestHeader& request) const;
  // For the threads: unless the broker's fate explains it.
  void lost(const std::string& who);
  void refused(const std::string& who, int code, const std::string& message);
  void wrong(const std::string& what);
  void join_threads();

  static Log read_all(NativeClient& client);
  void check_log(const Log& log);
  void check_new(const Place& place, const Record& record);
  void check_offsets() const;
  void check_shown(const Newest& newest) const;
  void check_writer(NativeClient& client, int index, const Log& log, const Newest& newest);
  void remember(Log log);
  void put_one(NativeClient& client, int index);
  void compact_all(NativeClient& client);
  void note_segments(NativeClient& client);
  void forget_superseded();

  const Shape shape_;
  Random random_;
  std::vector<Writer> writers_;
  // As of the last check(): what was shown, and the highest offset that was acknowledged or shown.
  Log shown_;
  std::array<std::int64_t, kPartitions> used_{-1, -1};
  std::array<bool, kPartitions> rolled_{};
  std::set<std::tuple<int, std::int64_t, int>> rewritten_;  // partition, base offset and generation
  std::vector<std::thread> threads_;
  std::atomic<Fate> fate_{Fate::lives};
  std::atomic<int> acks_{0};
  mutable std::mutex mutex_;
  std::vector<std::string> wrong_;  // guarded by mutex_
};

}  // namespace logcask::testing
