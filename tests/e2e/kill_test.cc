// kill -9 under load, again and again: what was acknowledged is there, nothing is invented, offsets are never reused.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>

#include "tests/e2e/acked_load.h"
#include "tests/e2e/broker_process.h"
#include "tests/support/catch.h"
#include "tests/support/seed.h"
#include "tests/support/temp_dir.h"

namespace logcask::testing {
namespace {

// Under a sanitizer a start takes a multiple of its time.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kMixedRounds = 20;
#else
constexpr int kMixedRounds = 200;
#endif

int rounds(int standard) {
  const char* wanted = std::getenv("LOGCASK_KILL_ROUNDS");
  return wanted ? std::atoi(wanted) : standard;
}

}  // namespace

TEST_CASE("kill -9 under load loses nothing that was acknowledged", "[e2e]") {
  const std::uint64_t seed = test_seed();
  INFO("seed " << seed);
  Random random(seed);
  const TempDir directory;
  const std::string data = directory.path() + "/data";
  AckedLoad load(random.next(), {});
  {
    BrokerProcess broker(data);
    NativeClient client(broker.port());
    // Nothing is compacted away here, so that every acknowledged record can be asked for.
    client.create_topic(AckedLoad::kTopic, AckedLoad::kPartitions,
                        {{"segment.bytes", "1100000"}, {"min.compaction.lag.ms", "86400000"}});
    CHECK(broker.stop() == 0);
  }
  for (int round = 0; round < 6; ++round) {
    INFO("round " << round);
    BrokerProcess broker(data);
    {
      NativeClient client(broker.port());
      load.check(client);
    }
    load.start(broker.port());
    load.wait_for_acks(static_cast<int>(500 + random.below(4000)));
    load.expect(AckedLoad::Fate::killed);
    broker.kill();
    load.join();
  }
  BrokerProcess broker(data);
  {
    NativeClient client(broker.port());
    load.check(client);
    load.check_worked();
  }
  CHECK(broker.stop() == 0);
}

TEST_CASE("kill -9 at random moments of produce, delete, roll, compaction and start loses nothing", "[e2e]") {
  const std::uint64_t seed = test_seed();
  INFO("seed " << seed);
  Random random(seed);
  const TempDir directory;
  const std::string data = directory.path() + "/data";
  AckedLoad::Shape shape;
  shape.compacted = true;
  AckedLoad load(random.next(), shape);
  {
    BrokerProcess broker(data);
    NativeClient client(broker.port());
    client.create_topic(AckedLoad::kTopic, AckedLoad::kPartitions,
                        {{"segment.bytes", "32768"},
                         {"max.message.bytes", "16384"},
                         {"min.cleanable.dirty.ratio", "0.05"},
                         {"delete.retention.ms", "0"}});
    CHECK(broker.stop() == 0);
  }
  std::int64_t acks = 0;
  for (int round = 0; round < rounds(kMixedRounds); ++round) {
    INFO("round " << round);
    // Every fifth start is killed before or just after it is through.
    if (round % 5 == 4) BrokerProcess::start_and_kill(data, std::chrono::microseconds(random.below(30'000)));
    BrokerProcess broker(data);
    {
      NativeClient client(broker.port());
      load.check(client);
    }
    load.start(broker.port());
    std::this_thread::sleep_for(std::chrono::microseconds(1'000 + random.below(150'000)));
    load.expect(AckedLoad::Fate::killed);
    broker.kill();
    load.join();
    acks += load.acks();
  }
  BrokerProcess broker(data);
  {
    NativeClient client(broker.port());
    load.check(client);
    load.check_worked(std::max<std::size_t>(static_cast<std::size_t>(rounds(kMixedRounds)) / 10, 1));
  }
  CHECK(broker.stop() == 0);
  std::cout << "kills " << rounds(kMixedRounds) << ", acknowledged records " << acks << "\n"
            << "segments seen that compaction had written " << load.rewrites() << "\n";
  CHECK(acks > rounds(kMixedRounds));
}

}  // namespace logcask::testing
