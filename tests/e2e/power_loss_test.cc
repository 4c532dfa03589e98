// Real power losses: the file system of the data directory is shut down under load, without a flush, and mounted again.
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>

#include "tests/e2e/acked_load.h"
#include "tests/e2e/broker_process.h"
#include "tests/e2e/private_mounts.h"
#include "tests/support/catch.h"
#include "tests/support/seed.h"
#include "tests/support/skip.h"
#include "tests/support/temp_dir.h"

namespace logcask::testing {
namespace {

// Under a sanitizer a start takes a multiple of its time, and what the disk does is the same.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kRounds = 8;
#else
constexpr int kRounds = 30;
#endif
constexpr std::uint64_t kLostDiskBytes = 96u << 20;

// The machine has not restarted, but what its file system says has: a broker must not take the log for what an
// ordinary kill left.
void pretend_reboot(const std::string& data) { std::ofstream(data + "/state") << "running boot another\n"; }

}  // namespace

TEST_CASE("power losses under load lose nothing that was acknowledged by acks=all", "[e2e]") {
  const PrivateMounts mounts;
  if (!mounts.missing().empty() || !mounts.root())
    return skip(mounts.root() ? mounts.missing() : "loop mounts need root");
  const TempDir directory;
  PowerDisk disk(directory.path(), kLostDiskBytes);
  if (!disk.missing().empty()) return skip(disk.missing());
  const std::uint64_t seed = test_seed();
  INFO("seed " << seed);
  Random random(seed);
  const std::string data = disk.path() + "/data";
  AckedLoad::Shape shape;
  shape.acks_all = true;
  shape.compacted = true;
  AckedLoad load(random.next(), shape);
  {
    BrokerProcess broker(data);
    NativeClient client(broker.port());
    client.create_topic(AckedLoad::kTopic, AckedLoad::kPartitions,
                        {{"segment.bytes", "65536"},
                         {"max.message.bytes", "16384"},
                         {"min.cleanable.dirty.ratio", "0.05"},
                         {"delete.retention.ms", "0"}});
    CHECK(broker.stop() == 0);
  }
  std::int64_t acks = 0;
  for (int round = 0; round < kRounds; ++round) {
    INFO("round " << round);
    {
      BrokerProcess broker(data);
      {
        NativeClient client(broker.port());
        load.check(client);
      }
      load.start(broker.port());
      std::this_thread::sleep_for(std::chrono::microseconds(20'000 + random.below(150'000)));
      load.expect(AckedLoad::Fate::power_lost);
      disk.lose_power();
      // What is acknowledged from now on would be a lie, and check() would find it out.
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      broker.kill();
      load.join();
      acks += load.acks();
    }
    disk.mount_again();
    pretend_reboot(data);
  }
  BrokerProcess broker(data);
  {
    NativeClient client(broker.port());
    load.check(client);
    load.check_worked();
  }
  CHECK(broker.stop() == 0);
  std::cout << "power losses " << kRounds << ", acknowledged records " << acks << "\n"
            << "segments seen that compaction had written " << load.rewrites() << "\n";
  CHECK(acks > kRounds);
}

}  // namespace logcask::testing
