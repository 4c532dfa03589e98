#include "broker/upkeep/upkeep.h"

#include "tests/broker/services/service_fixture.h"

using namespace logcask;
using namespace logcask::testing;

namespace {

// Opens its one partition and leaves the keydir's load to the test.
class LoadingFactory final : public PartitionFactory {
 public:
  explicit LoadingFactory(PartitionFixture& partition) : partition_(partition) {}
  Result<std::shared_ptr<PartitionRunner>> open(const PartitionSpec&) override {
    partition_.kill();
    partition_.open_only();
    return std::shared_ptr<PartitionRunner>(partition_.shared());
  }
  Status mark_deleted(const PartitionSpec&) override { return {}; }
  Status remove(const PartitionSpec&) override { return {}; }

 private:
  PartitionFixture& partition_;
};

struct Fixture {
  PartitionFixture partition;
  MemoryMetadata metadata;
  LoadingFactory factory{partition};
  ManualClock clock;
  ManualExecutor executor;
  BrokerFacts facts;
  Topics topics{metadata, factory, clock, Topics::Limits()};

  Fixture() {
    partition.put("a", "1");
    partition.put("b", "1");
    partition.put("a", "2");
    facts.started_ns = clock.monotonic_ns();
    REQUIRE_OK(topics.create("t", 1, {}, false));
  }
  void round() {
    executor.run_later();
    partition.run_all();
  }
  std::uint32_t segments() { return partition.partition().snapshot().segments; }
};

// A segment that is due to be rolled at the next tick.
void make_due(Fixture& fixture) {
  PartitionConfig config;
  config.segment_ms = 1;
  fixture.partition.partition().configure(config);
  fixture.partition.put("c", "1");
  fixture.partition.clock().advance_ms(1000);
}

}  // namespace

TEST_CASE("how long the keydirs took to load is noted once, when the last one is complete", "[upkeep]") {
  Fixture fixture;
  Upkeep upkeep(fixture.topics, fixture.executor, fixture.clock, fixture.facts);
  upkeep.start();
  fixture.clock.advance_ms(1000);
  fixture.executor.run_later();
  REQUIRE(fixture.partition.partition().snapshot().state == PartitionSnapshot::State::loading);
  CHECK(fixture.facts.keydir_load_seconds == 0);
  fixture.partition.run_all();
  fixture.clock.advance_ms(1500);
  fixture.round();
  CHECK(fixture.facts.keydir_load_seconds == 2.5);
  CHECK(fixture.facts.keydir_loaded_from_hints + fixture.facts.keydir_loaded_from_scan == 3);
  fixture.clock.advance_ms(1500);
  fixture.round();
  CHECK(fixture.facts.keydir_load_seconds == 2.5);
  upkeep.stop();
}

TEST_CASE("partitions tick once a second, not at every look for the end of loading", "[upkeep]") {
  Fixture fixture;
  Upkeep upkeep(fixture.topics, fixture.executor, fixture.clock, fixture.facts);
  upkeep.start();
  fixture.round();  // the first tick
  make_due(fixture);
  const std::uint32_t before = fixture.segments();
  fixture.clock.advance_ms(400);
  fixture.round();
  CHECK(fixture.segments() == before);
  fixture.clock.advance_ms(600);
  fixture.round();
  CHECK(fixture.segments() == before + 1);
  upkeep.stop();
}

TEST_CASE("after a stop no round begins, though one was queued, and the upkeep may be gone", "[upkeep]") {
  Fixture fixture;
  auto upkeep = std::make_unique<Upkeep>(fixture.topics, fixture.executor, fixture.clock, fixture.facts);
  upkeep->start();
  fixture.round();
  make_due(fixture);
  fixture.clock.advance_ms(5000);
  const std::uint32_t before = fixture.segments();
  upkeep->stop();
  upkeep.reset();
  fixture.round();
  fixture.round();
  CHECK(fixture.segments() == before);
}
