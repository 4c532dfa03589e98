#pragma once
// One partition behind its real door, on an in-memory file system, with a clock and executors that the test moves.
//
// Nothing runs on another thread: what the partition posts waits in a queue until run_all(). So every test is
// deterministic, and a test decides what is interleaved with what.

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "broker/door/local_partition_runner.h"
#include "partition/prepare.h"
#include "tests/support/manual_clock.h"
#include "tests/support/manual_executor.h"
#include "tests/support/memory_file_system.h"

namespace logcask::testing {

struct TestRecord {
  std::string key;
  std::optional<std::string> value;  // nothing = tombstone
  std::vector<RecordHeader> headers;
};

struct BatchShape {
  Compression compression = Compression::none;
  ProducerId producer = kNoProducer;
  std::int16_t epoch = -1;
  std::int32_t sequence = -1;
};
std::string make_batch(const std::vector<TestRecord>& records, const BatchShape& shape = {},
                       TimestampMs timestamp = TimestampMs(1'700'000'000'000));

// What get() said of one key, owned.
struct Got {
  LookupAnswer::Status status = LookupAnswer::Status::absent;
  Offset offset = kNoOffset;
  std::string value;
  Error error;
};

class PartitionFixture {
 public:
  explicit PartitionFixture(const PartitionConfig& config = {});
  // On an existing disk image. In `directory` of it, which exists, it is as in a broker: files that nobody reads any
  // more are removed by background().
  PartitionFixture(std::unique_ptr<MemoryFileSystem> disk, const PartitionConfig& config, bool machine_reset = false,
                   std::string directory = "");
  ~PartitionFixture();

  MemoryFileSystem& disk() { return *disk_; }
  ManualClock& clock() { return clock_; }
  KeydirBudget& budget() { return budget_; }
  ManualExecutor& flush() { return flush_; }
  ManualExecutor& background() { return background_; }
  // How often compaction was told that something may have become due.
  int compaction_wanted() const { return compaction_wanted_; }
  LocalPartitionRunner& partition() { return *runner_; }
  std::shared_ptr<LocalPartitionRunner> shared() { return runner_; }
  const std::string& report() const { return report_; }
  void open(bool machine_reset = false);
  // Recovers the log; loading waits in background().
  void open_only(bool machine_reset = false);
  // Clean stop, then open again on the same disk.
  void restart();
  // kill -9: nothing is flushed; the next open sees what was written.
  void kill();
  // The machine died and left `image`: opened with machine_reset; loading waits in background().
  void power_loss(std::unique_ptr<MemoryFileSystem> image);
  void run_all();

  // Appends and runs everything until the answer is there.
  AppendResult append(const std::vector<TestRecord>& records, Acks acks = Acks::all,
                      std::vector<Condition> conditions = {}, const BatchShape& shape = {});
  AppendResult put(const std::string& key, const std::string& value) { return append({{key, value, {}}}); }
  AppendResult remove(const std::string& key) { return append({{key, std::nullopt, {}}}); }
  // Starts an append; `answer` is filled when it comes.
  void start_append(const std::vector<TestRecord>& records, Acks acks, std::optional<AppendResult>& answer,
                    std::vector<Condition> conditions = {}, const BatchShape& shape = {});
  // The same with a batch made by the caller.
  void start_batch(const std::string& bytes, Acks acks, std::function<void(AppendResult)> done,
                   std::vector<Condition> conditions = {});
  // What batches are prepared under from now on, as a topic's settings say it.
  void send_under(std::uint32_t placement) { config_.placement = placement; }
  Got get(const std::string& key);

  struct Stored {
    Offset offset;
    std::string key;
    std::optional<std::string> value;
    TimestampMs timestamp;
  };
  // Every visible record from `from`, through fetch.
  std::vector<Stored> fetch_all(Offset from = Offset(0));
  // Every record a live-only replay sends.
  std::vector<Stored> replay_live();

 private:
  std::shared_ptr<SegmentEnvironment> make_segments();

  std::unique_ptr<MemoryFileSystem> disk_;
  PartitionConfig config_;
  const std::string directory_;
  ManualClock clock_;
  ManualExecutor flush_;
  ManualExecutor background_;
  std::atomic<int> compaction_wanted_{0};
  KeyHasher hasher_;
  PageArena arena_;
  KeydirBudget budget_;
  std::shared_ptr<LocalPartitionRunner> runner_;
  std::string report_;
};

// Every visible record from `from`, through fetches of at most `max_bytes`.
std::vector<PartitionFixture::Stored> fetch_all(PartitionRunner& partition, Offset from = Offset(0),
                                                std::size_t max_bytes = 1u << 20);
// Decodes whole batches.
std::vector<PartitionFixture::Stored> decode_records(ByteView batches);

}  // namespace logcask::testing
