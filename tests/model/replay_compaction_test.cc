// A replay that catches up while compaction works below its mark.

#include <map>

#include "broker/services/replay_step.h"
#include "compactor/compactor.h"
#include "tests/support/catch.h"
#include "tests/support/partition_fixture.h"

using namespace logcask;
using namespace logcask::testing;

namespace {

class Reader {
 public:
  explicit Reader(PartitionFixture& fixture)
      : fixture_(fixture), position_(first_replay_position(fixture.partition(), PartitionId(0))) {}

  // True when the marker came.
  bool step() {
    ReplayFilter filter;
    filter.live_only = true;
    const auto step = step_replay(fixture_.partition(), position_, filter, 1);
    REQUIRE_OK(step);
    std::string bytes;
    for (const ByteView piece : step->pieces) bytes.append(piece);
    for (const auto& stored : decode_records(bytes))
      if (stored.offset >= position_.position) seen_[stored.key] = stored.value;
    position_ = step->position;
    return step->marker;
  }
  ReplayPhase phase() const { return position_.phase; }
  const std::map<std::string, std::optional<std::string>>& seen() const { return seen_; }

 private:
  PartitionFixture& fixture_;
  ReplayPosition position_;
  std::map<std::string, std::optional<std::string>> seen_;
};

}  // namespace

TEST_CASE("what compaction takes away below a replay's mark is shown in its newer version before caught_up",
          "[replay][regression]") {
  PartitionConfig config;
  config.delete_retention_ms = 1000;
  PartitionFixture fixture(config);
  fixture.put("a", "1");
  fixture.put("b", "1");
  Reader reader(fixture);
  fixture.put("a", "2");
  fixture.put("b", "2");
  while (reader.phase() == ReplayPhase::walk) reader.step();
  // The mark is behind both; now their versions below it go.
  fixture.put("a", "3");
  fixture.remove("b");
  fixture.put("c", "1");
  REQUIRE_OK(fixture.partition().roll());
  fixture.run_all();
  Compactor compactor(fixture.partition());
  const auto done =
      compactor.run_due(CompactionMode::forced, [](std::uint64_t, std::uint64_t) -> Status { return {}; });
  REQUIRE_OK(done);
  REQUIRE(done->records_dropped == 4);
  int steps = 0;
  while (!reader.step()) REQUIRE(++steps < 20);
  REQUIRE(reader.seen().contains("a"));
  CHECK(reader.seen().at("a") == "3");
  REQUIRE(reader.seen().contains("b"));
  CHECK_FALSE(reader.seen().at("b").has_value());
}
