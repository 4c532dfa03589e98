#pragma once
// A workload on one partition, recorded, with what had been promised at each moment of it; and the check of every disk
// image that a power loss at any moment may leave behind.
//
// After every step of the workload the disk gets a mark and the oracle is copied. An image knows how many marks came
// before it: what the oracle held then must be there, what came later may be. Each image is opened, compared, written
// to, stopped in order, opened, killed, opened and compared again.
//
// LOGCASK_CRASH_REPLAY=workload:profile:number checks that one image and prints what it is.

#include <functional>
#include <string>
#include <vector>

#include "tests/model/oracle.h"
#include "tests/support/crash_states.h"

namespace logcask::testing {

class CrashRun {
 public:
  explicit CrashRun(const PartitionConfig& config)
      : config_(config), fixture_(config), oracle_(config.read_visibility == ReadVisibility::written) {
    states_.push_back(oracle_);
    mark();
  }
  // Goes on with an image of another run, as of the moment it was left; opening it is part of the record.
  CrashRun(const PartitionConfig& config, std::unique_ptr<MemoryFileSystem> image, const Oracle& promised)
      : config_(config), fixture_(std::move(image), config, true), oracle_(promised), last_id_(2'000'000) {
    states_.push_back(oracle_);
    oracle_.reopened(fixture_, oracle_.committed(), true);
    mark();
  }

  PartitionFixture& fixture() { return fixture_; }
  LocalPartitionRunner& partition() { return fixture_.partition(); }
  const PartitionConfig& config() const { return config_; }

  // Everything so far is certain, and the record begins here.
  void begin();
  // Notes how things stand.
  void mark();

  void put(const std::string& key, const std::string& value, Acks acks = Acks::all) { append({{key, value}}, acks); }
  void remove(const std::string& key) { append({{key, std::nullopt}}); }
  using KeyValue = std::pair<std::string, std::optional<std::string>>;
  // Starts an append and, with Acks::all, runs the flush tasks until it is through.
  void append(const std::vector<KeyValue>& records, Acks acks = Acks::all);
  // The next batch of an idempotent producer, acknowledged by the disk.
  void produce(std::int64_t producer, const std::string& key, const std::string& value);
  // Written, not synced.
  void write(const std::string& key, const std::string& value) { append({{key, value}}, Acks::one); }
  void flush();
  // Flush tasks first: a checkpoint waits for them.
  void background();
  void roll();
  void delete_records(Offset before);
  void compact();
  void restart();
  void kill();

  struct Check {
    std::size_t images = 0;
  };
  Check check_all_crashes(const std::string& workload, std::uint64_t seed, std::size_t every = 1);

  // For runs that begin where another ended.
  const Oracle& promised_at(std::size_t marks) const { return states_[std::min(marks, states_.size() - 1)]; }

 private:
  struct Produced {
    std::string bytes;
    std::int64_t id = 0;
    std::size_t acked_at = 0;  // mark
  };
  void start(const std::vector<ModelRecord>& records, const std::string& bytes, Acks acks,
             std::optional<AppendResult>& answer);
  void check_image(CrashState& crash);
  void check_producers(PartitionFixture& fixture, const Oracle& oracle, std::size_t marks);

  const PartitionConfig config_;
  PartitionFixture fixture_;
  Oracle oracle_;
  std::vector<Oracle> states_;  // by number of marks
  std::vector<Produced> produced_;
  std::map<std::int64_t, std::int32_t> sequences_;
  std::int64_t last_id_ = 1'000'000;
};

}  // namespace logcask::testing
