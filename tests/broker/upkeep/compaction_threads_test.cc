// Compaction's threads on real partitions: requests, background work, failures, stopping.

#include "broker/upkeep/compaction_threads.h"

#include <future>
#include <map>

#include "base/random.h"
#include "broker/door/local_partition_runner.h"
#include "tests/support/catch.h"
#include "tests/support/partition_fixture.h"

using namespace logcask;
using namespace logcask::testing;

namespace {

// Runs what is posted on a thread of its own.
class OneThread final : public Executor {
 public:
  OneThread() : thread_([this] { run(); }) {}
  ~OneThread() override {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }
  void post(Task task) override {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
    changed_.notify_all();
  }
  void post_after(std::int64_t, Task task) override { post(std::move(task)); }

 private:
  void run() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return stopped_ || !tasks_.empty(); });
      if (tasks_.empty()) return;
      const Task task = std::move(tasks_.front());
      tasks_.pop_front();
      lock.unlock();
      task();
      lock.lock();
    }
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Task> tasks_;
  bool stopped_ = false;
  std::thread thread_;
};

// Background work waits for syncs, so they have threads of their own.
struct Executors {
  OneThread flush, background;
};

// Polls a condition that other threads make true; fails the test after 20 s.
template <class Condition>
void eventually(const Condition& condition) {
  for (int i = 0; i < 4000; ++i) {
    if (condition()) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  FAIL("it did not come true");
}

// A partition served by real threads, on a disk in memory.
struct Served {
  explicit Served(Executors& executors, const PartitionConfig& partition_config = {},
                  std::function<void()> compaction_wanted = {})
      : config(partition_config) {
    RunnerEnvironment environment;
    environment.name = "t-0";
    environment.partition.segments = std::make_shared<SegmentEnvironment>();
    environment.partition.directory = disk.root();
    environment.partition.clock = &system_clock();
    environment.partition.hasher = &hasher;
    environment.partition.arena = &arena;
    environment.partition.budget = &budget;
    environment.recovery.create = true;
    environment.recovery.writer.preallocate_bytes = 0;
    environment.flush = &executors.flush;
    environment.background = &executors.background;
    environment.alarm = [this](const std::string& text) {
      const std::lock_guard lock(mutex);
      alarms.push_back(text);
    };
    environment.compaction_wanted = std::move(compaction_wanted);
    std::string report;
    runner = LocalPartitionRunner::open(std::move(environment), config, report);
    eventually([this] { return runner->state().keydir_complete; });
  }
  ~Served() {
    if (runner) runner->close({Errc::shutting_down, "end"});
  }
  void put(const std::string& key, const std::string& value) {
    const std::string bytes = make_batch({{key, value, {}}});
    auto prepared = prepare_batch(bytes, config, hasher, {});
    REQUIRE_OK(prepared);
    std::promise<AppendResult> done;
    runner->append(*std::move(prepared), Acks::all,
                   [&done](AppendResult result) { done.set_value(std::move(result)); });
    REQUIRE(done.get_future().get().error.ok());
  }
  std::uint64_t records() const {
    std::uint64_t sum = 0;
    for (const SegmentReport& segment : runner->segments()) sum += segment.records;
    return sum;
  }

  MemoryFileSystem disk;
  PartitionConfig config;
  KeyHasher hasher{KeyHasher::Secret{}};
  PageArena arena;
  KeydirBudget budget;
  std::mutex mutex;
  std::vector<std::string> alarms;
  std::shared_ptr<LocalPartitionRunner> runner;
};

CompactionThreads::Options quick() {
  CompactionThreads::Options options;
  options.interval_ms = 5;
  options.backoff_ms = 5;
  options.backoff_max_ms = 20;
  options.settle_ms = 20'000;
  options.compactor.disk_reserve_bytes = 0;
  options.compactor.disk_low_bytes = 0;
  return options;
}

struct Lines {
  std::mutex mutex;
  std::vector<std::string> lines;
  void add(const std::string& line) {
    const std::lock_guard lock(mutex);
    lines.push_back(line);
  }
  std::size_t count() {
    const std::lock_guard lock(mutex);
    return lines.size();
  }
};

// The last report of a request.
CompactionProgress await(CompactionControl& control, const std::shared_ptr<PartitionRunner>& partition, bool wait) {
  std::promise<CompactionProgress> done;
  control.request(partition, wait, [&done](const CompactionProgress& progress) {
    if (progress.finished) done.set_value(progress);
  });
  return done.get_future().get();
}

TEST_CASE("compact --wait rolls the active segment, drops what is dead, and says what it did", "[compaction]") {
  Executors executors;
  Served served(executors);
  for (int i = 0; i < 100; ++i) served.put("k" + std::to_string(i % 10), "v" + std::to_string(i));
  CompactionThreads threads({system_clock(), [] { return CompactionThreads::Partitions(); }, {}, {}}, quick());
  threads.start();
  const CompactionProgress done = await(threads, served.runner, true);
  REQUIRE_OK(done.error);
  CHECK(done.records_dropped == 90);
  CHECK(done.records_kept == 10);
  CHECK(done.rewrites == 1);
  CHECK(done.bytes_after < done.bytes_before);
  CHECK(served.records() == 10);
  const CompactionProgress again = await(threads, served.runner, true);
  REQUIRE_OK(again.error);
  CHECK(again.rewrites == 0);
}

TEST_CASE("a request without wait is answered when it is taken", "[compaction]") {
  Executors executors;
  Served served(executors);
  for (int i = 0; i < 20; ++i) served.put("k", std::to_string(i));
  REQUIRE_OK(served.runner->roll());
  CompactionThreads threads({system_clock(), [] { return CompactionThreads::Partitions(); }, {}, {}}, quick());
  threads.start();
  eventually([&] { return served.runner->state().closed.size() == 1; });
  REQUIRE_OK(await(threads, served.runner, false).error);
  eventually([&] { return served.records() == 1; });
}

TEST_CASE("a request without wait closes the active segment, too, since only closed ones are compacted",
          "[compaction]") {
  Executors executors;
  Served served(executors);
  for (int i = 0; i < 20; ++i) served.put("k", std::to_string(i));
  CompactionThreads threads({system_clock(), [] { return CompactionThreads::Partitions(); }, {}, {}}, quick());
  threads.start();
  REQUIRE_OK(await(threads, served.runner, false).error);
  eventually([&] { return served.records() == 1; });
}

TEST_CASE("the background compacts by itself what its thresholds ask for, in every partition", "[compaction]") {
  Executors executors;
  Served first(executors), second(executors);
  Lines notes;
  CompactionThreads threads({system_clock(),
                             [&] {
                               return CompactionThreads::Partitions{first.runner, second.runner};
                             },
                             [&](const std::string& line) { notes.add(line); },
                             {}},
                            quick());
  threads.start();
  for (Served* served : {&first, &second}) {
    for (int i = 0; i < 50; ++i) served->put("k" + std::to_string(i % 5), std::to_string(i));
    REQUIRE_OK(served->runner->roll());
  }
  eventually([&] { return first.records() == 5 && second.records() == 5; });
  eventually([&] { return notes.count() >= 2; });
  const std::lock_guard lock(notes.mutex);
  CHECK(notes.lines[0].find("45 of 50 records dropped") != std::string::npos);
  CHECK(notes.lines[0].find("dead ratio") != std::string::npos);
}

// Tells compaction of what may be due, as long as there is one.
struct Told {
  std::mutex mutex;
  CompactionThreads* threads = nullptr;
  void set(CompactionThreads* to) {
    const std::lock_guard lock(mutex);
    threads = to;
  }
  void wake() {
    const std::lock_guard lock(mutex);
    if (threads) threads->wake();
  }
};

PartitionConfig small_segments() {
  PartitionConfig config;
  config.segment_bytes = 1024;
  return config;
}

// One partition under compaction whose rounds are hours apart: what is done is done because somebody was told.
struct ToldOnly {
  ToldOnly() {
    threads.start();
    told.set(&threads);
  }
  ~ToldOnly() { stop(); }
  void stop() {
    told.set(nullptr);
    threads.stop();
  }
  static CompactionThreads::Options options() {
    CompactionThreads::Options options = quick();
    options.interval_ms = 3'600'000;
    return options;
  }

  Executors executors;
  Told told;
  Served served{executors, small_segments(), [this] { told.wake(); }};
  CompactionThreads threads{{system_clock(), [this] { return CompactionThreads::Partitions{served.runner}; }, {}, {}},
                            options()};
};

TEST_CASE("what is left after a rewrite, or comes while it runs, is done at once and not in the next round",
          "[compaction]") {
  ToldOnly compacted;
  Served& served = compacted.served;
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 20; ++i) served.put("k", std::string(200, 'v'));
    REQUIRE_OK(served.runner->roll());
    eventually([&] { return served.records() <= 2; });
  }
}

TEST_CASE("a writer that outruns compaction is answered for every record, and the segments stay few", "[compaction]") {
  ToldOnly compacted;
  Served& served = compacted.served;
  std::atomic<int> answered = 0;
  std::atomic<int> failed = 0;
  std::size_t most = 0;
  constexpr int kRecords = 3000;
  for (int i = 0; i < kRecords; ++i) {
    const std::string bytes = make_batch({{"k", std::string(200, 'v'), {}}});
    auto prepared = prepare_batch(bytes, served.config, served.hasher, {});
    REQUIRE_OK(prepared);
    served.runner->append(*std::move(prepared), Acks::one, [&](AppendResult result) {
      if (!result.error.ok()) ++failed;
      ++answered;
    });
    // As a connection that is not read while many of its requests wait.
    eventually([&] { return answered > i - 100; });
    if (i % 50 == 0) most = std::max(most, served.runner->segments().size());
  }
  eventually([&] { return answered == kRecords; });
  CHECK(failed == 0);
  CHECK(most < 300);
  compacted.stop();
  // Nobody looks any more, so nobody waits.
  for (int i = 0; i < 100; ++i) served.put("k", std::string(200, 'v'));
}

TEST_CASE("a partition that fails is paused and reported once, and the others go on", "[compaction]") {
  Executors executors;
  Served bad(executors), good(executors);
  for (Served* served : {&bad, &good}) {
    for (int i = 0; i < 50; ++i) served->put("k" + std::to_string(i % 5), std::to_string(i));
    REQUIRE_OK(served->runner->roll());
    eventually([&] { return served->runner->state().closed.size() == 1; });
  }
  Fault fault;
  fault.kinds = {OperationKind::create};
  fault.sticky = true;
  bad.disk.fail(fault);
  Lines alarms;
  CompactionThreads threads({system_clock(),
                             [&] {
                               return CompactionThreads::Partitions{bad.runner, good.runner};
                             },
                             {},
                             [&](const std::string& line) { alarms.add(line); }},
                            quick());
  threads.start();
  eventually([&] { return good.records() == 5 && alarms.count() == 1; });
  CHECK(bad.records() == 50);
  // It gets well by itself.
  bad.disk.clear_faults();
  eventually([&] { return bad.records() == 5; });
  CHECK(alarms.count() == 1);
}

TEST_CASE("a damaged input quarantines its partition, with an alarm, and --wait says why", "[compaction]") {
  Executors executors;
  Served served(executors);
  for (int i = 0; i < 50; ++i) served.put("k" + std::to_string(i % 5), std::to_string(i));
  REQUIRE_OK(served.runner->roll());
  eventually([&] { return served.runner->state().closed.size() == 1; });
  const std::string name = segment_filename({Offset(0), Generation(0)}, SegmentFile::log);
  std::string bytes = *served.disk.content(name);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  served.disk.set_content(name, bytes);
  CompactionThreads threads({system_clock(), [] { return CompactionThreads::Partitions(); }, {}, {}}, quick());
  threads.start();
  CHECK(await(threads, served.runner, true).error.code() == Errc::corrupt_range);
  CHECK(served.runner->snapshot().compaction_quarantined);
  const CompactionProgress again = await(threads, served.runner, true);
  CHECK(again.error.code() == Errc::corrupt_range);
  CHECK(again.error.error().message.find(name) != std::string::npos);
  const std::lock_guard lock(served.mutex);
  CHECK(served.alarms.size() == 1);
}

TEST_CASE("what cannot be compacted is refused, and stopping answers who waits", "[compaction]") {
  Executors executors;
  Served served(executors);
  served.put("k", "v");
  auto threads = std::make_unique<CompactionThreads>(
      CompactionThreads::Parts{system_clock(), [] { return CompactionThreads::Partitions(); }, {}, {}}, quick());
  std::promise<CompactionProgress> answer;
  threads->request(served.runner, true, [&answer](const CompactionProgress& progress) {
    if (progress.finished) answer.set_value(progress);
  });
  threads->stop();  // never started: the request was not begun
  CHECK(answer.get_future().get().error.code() == Errc::shutting_down);
  CHECK(await(*threads, served.runner, true).error.code() == Errc::shutting_down);
}

TEST_CASE("a cancelled request is not reported to any more", "[compaction]") {
  Executors executors;
  Served served(executors);
  for (int i = 0; i < 50; ++i) served.put("k" + std::to_string(i % 5), std::to_string(i));
  CompactionThreads threads({system_clock(), [] { return CompactionThreads::Partitions(); }, {}, {}}, quick());
  std::atomic<int> reports{0};
  const auto id = threads.request(served.runner, true, [&](const CompactionProgress&) { ++reports; });
  threads.cancel(id);
  threads.start();
  REQUIRE_OK(await(threads, served.runner, true).error);
  CHECK(reports == 0);
}

TEST_CASE("the speed limit holds, and neither stop nor close waits for it", "[compaction]") {
  Executors executors;
  Served served(executors);
  for (int i = 0; i < 40; ++i) served.put("k" + std::to_string(i % 5), std::string(4000, 'v'));
  CompactionThreads::Options options = quick();
  options.max_bytes_per_second = 1000;  // minutes for this
  CompactionThreads threads({system_clock(), [] { return CompactionThreads::Partitions(); }, {}, {}}, options);
  threads.start();
  std::promise<CompactionProgress> answer;
  threads.request(served.runner, true, [&answer](const CompactionProgress& progress) {
    if (progress.finished) answer.set_value(progress);
  });
  const bool close = GENERATE(false, true);
  if (close) {
    served.runner->close({Errc::shutting_down, "closing"});
    threads.release(served.runner.get());
  }
  threads.stop();
  const Errc code = answer.get_future().get().error.code();
  CHECK((code == Errc::shutting_down || code == Errc::cancelled || code == Errc::partition_offline));
  CHECK(served.disk.content(segment_filename({Offset(0), Generation(1)}, SegmentFile::log)) == std::nullopt);
}

TEST_CASE("appends and lookups go on while compaction runs, and nothing is lost", "[compaction]") {
  Executors executors;
  PartitionConfig config;
  config.segment_bytes = 20'000;
  config.min_cleanable_dirty_ratio = 0.2;
  Served served(executors, config);
  CompactionThreads::Options options = quick();
  options.threads = 2;
  options.interval_ms = 1;
  CompactionThreads threads({system_clock(), [&] { return CompactionThreads::Partitions{served.runner}; }, {}, {}},
                            options);
  threads.start();
  std::map<std::string, std::string> model;
  Random random(7);
  for (int i = 0; i < 4000; ++i) {
    const std::string key = "k" + std::to_string(random.below(60));
    served.put(key, "v" + std::to_string(i));
    model[key] = "v" + std::to_string(i);
    if (i % 16 != 0) continue;
    const ByteView keys[] = {key};
    served.runner->get(keys, false, [&](std::size_t, const LookupAnswer& answer) {
      INFO(answer.error.to_string());
      REQUIRE(answer.status == LookupAnswer::Status::found);
      REQUIRE(answer.value == model[key]);
    });
  }
  REQUIRE_OK(await(threads, served.runner, true).error);
  threads.stop();
  CHECK(served.records() == model.size());
  // All at once, first as the cache was left by the segments that are gone, then from the new ones' blocks.
  for (int pass = 0; pass < 3; ++pass) {
    std::vector<ByteView> keys;
    for (const auto& [key, value] : model) keys.emplace_back(key);
    served.runner->get(keys, false, [&](std::size_t index, const LookupAnswer& answer) {
      REQUIRE(answer.status == LookupAnswer::Status::found);
      REQUIRE(answer.value == model[std::string(keys[index])]);
    });
  }
  for (const auto& [key, value] : model) {
    const ByteView keys[] = {key};
    served.runner->get(keys, false, [&value = value](std::size_t, const LookupAnswer& answer) {
      REQUIRE(answer.status == LookupAnswer::Status::found);
      REQUIRE(answer.value == value);
    });
  }
}

}  // namespace
