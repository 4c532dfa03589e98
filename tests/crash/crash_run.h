#pragma once
// A workload on one partition, recorded, with what had been promised at each moment of it; and the check of every disk
// image that a power loss at any moment may leave behind.
//
// After every step of the workload the disk gets a mark and the oracle is copied. An image knows how many marks came
// before it: what the oracle held then must be there, what came later may be. Each image is opened, compared, written
// to, compacted, stopped in order, opened, killed, opened and compared again.

#include <map>
#include <string>
#include <vector>

#include "tests/crash/recording.h"
#include "tests/model/oracle.h"

namespace logcask::testing {

class CrashRun final : public Recording {
 public:
  CrashRun(const PartitionConfig& config, std::unique_ptr<MemoryFileSystem> disk);

  const MemoryFileSystem& disk() override { return fixture_.disk(); }
  void check(CrashState& crash) override;
  std::unique_ptr<Recording> recover(CrashState& crash) override;

  PartitionFixture& fixture() { return fixture_; }
  LocalPartitionRunner& partition() { return fixture_.partition(); }

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
  // A second passes for retention, rolls by age and the like.
  void tick();
  void compact();
  void restart();
  void kill();

 private:
  struct Produced {
    std::string bytes;
    std::int64_t id = 0;
    std::size_t acked_at = 0;  // mark
  };
  CrashRun(const PartitionConfig& config, std::unique_ptr<MemoryFileSystem> image, const Oracle& promised,
           std::vector<Produced> produced);
  const Oracle& promised_at(std::size_t marks) const { return states_[std::min(marks, states_.size() - 1)]; }
  Oracle promised(const CrashState& crash) const;
  void start(const std::vector<ModelRecord>& records, const std::string& bytes, Acks acks,
             std::optional<AppendResult>& answer);
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
