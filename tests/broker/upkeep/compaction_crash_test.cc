// A compaction of a real partition, and the power fails: whatever the disk kept, no key is lost or comes back.

#include <algorithm>
#include <map>

#include "compactor/compactor.h"
#include "tests/support/catch.h"
#include "tests/support/crash_states.h"
#include "tests/support/partition_fixture.h"
#include "tests/support/seed.h"

using namespace logcask;
using namespace logcask::testing;

namespace {

Status no_pace(std::uint64_t, std::uint64_t) { return {}; }

PartitionConfig small_config() {
  PartitionConfig config;
  config.segment_bytes = 600;
  config.delete_retention_ms = 0;
  return config;
}

using Model = std::map<std::string, std::optional<std::string>>;

void write(PartitionFixture& fixture, Model& model, const std::string& key, std::optional<std::string> value) {
  REQUIRE(fixture.append({{key, value, {}}}).error.ok());
  model[key] = std::move(value);
}

void fill(PartitionFixture& fixture, Model& model, const std::string& tag) {
  for (int i = 0; i < 3; ++i) {
    for (const char* key : {"a", "b", "c", "d"}) write(fixture, model, key, tag + std::to_string(i));
    write(fixture, model, "gone" + std::to_string(i), "x");
    write(fixture, model, "gone" + std::to_string(i), std::nullopt);
    REQUIRE_OK(fixture.partition().roll());
    fixture.run_all();
  }
}

Result<CompactionStats> compact(PartitionFixture& fixture) {
  Compactor compactor(fixture.partition(), {0, 0, 200, 0});
  auto stats = compactor.run_due(CompactionMode::forced, no_pace);
  fixture.run_all();
  return stats;
}

void check(PartitionFixture& fixture, const Model& model) {
  for (const auto& [key, value] : model) {
    INFO("key " << key);
    const Got got = fixture.get(key);
    INFO(got.error.to_string());
    if (value) {
      REQUIRE(got.status == LookupAnswer::Status::found);
      REQUIRE(got.value == *value);
    } else {
      REQUIRE((got.status == LookupAnswer::Status::deleted || got.status == LookupAnswer::Status::absent));
    }
  }
  Model read;
  for (const auto& record : fixture.fetch_all()) read[record.key] = record.value;
  for (const auto& [key, value] : model) {
    if (value) REQUIRE(read[key] == value);
    if (!value) REQUIRE(!read[key].has_value());
  }
}

void check_states(const MemoryFileSystem& disk, CrashProfile profile, const Model& model) {
  CrashStates states(disk, profile, test_seed());
  while (auto crash = states.next()) {
    INFO(crash->description);
    PartitionFixture recovered(std::move(crash->image), small_config(), true);
    INFO(recovered.report());
    REQUIRE(recovered.partition().snapshot().state == PartitionSnapshot::State::online);
    check(recovered, model);
    // It goes on: writes, compacts and restarts.
    Model more = model;
    write(recovered, more, "a", "after");
    write(recovered, more, "b", std::nullopt);
    REQUIRE_OK(recovered.partition().roll());
    recovered.run_all();
    REQUIRE_OK(compact(recovered));
    check(recovered, more);
    recovered.restart();
    check(recovered, more);
  }
  REQUIRE(states.count() > 20);
}

TEST_CASE("a power loss at any point of a compaction loses no key and brings none back", "[compaction][crash]") {
  const auto profile = GENERATE(CrashProfile::prefix, CrashProfile::ordered, CrashProfile::worst);
  PartitionFixture fixture(small_config());
  Model model;
  fill(fixture, model, "v");
  fixture.disk().settle();
  const auto stats = compact(fixture);
  REQUIRE_OK(stats);
  CHECK(stats->rewrites > 0);
  CHECK(stats->tombstones_dropped > 0);
  check(fixture, model);
  check_states(fixture.disk(), profile, model);
}

TEST_CASE("an error at any operation of a compaction leaves a partition that serves, restarts and compacts",
          "[compaction][crash]") {
  const int error_number = GENERATE(5, 28);
  for (std::uint64_t nth = 1;; ++nth) {
    INFO("operation " << nth << " error " << error_number);
    REQUIRE(nth < 400);
    PartitionFixture fixture(small_config());
    Model model;
    fill(fixture, model, "v");
    Fault fault;
    fault.nth = nth;
    fault.error_number = error_number;
    fixture.disk().fail(fault);
    const bool done = compact(fixture).ok();
    fixture.disk().clear_faults();
    check(fixture, model);
    fixture.kill();
    fixture.open();
    check(fixture, model);
    const auto again = compact(fixture);
    REQUIRE_OK(again);
    check(fixture, model);
    if (done && again->rewrites == 0) break;
  }
}

// The keydir names nothing that a power loss could take back.
TEST_CASE("a record stays until what supersedes it is on disk", "[compaction][crash]") {
  PartitionFixture fixture(small_config());
  Model model;
  write(fixture, model, "a", "1");
  write(fixture, model, "b", "1");
  write(fixture, model, "b", "2");
  REQUIRE_OK(fixture.partition().roll());
  fixture.run_all();
  std::optional<AppendResult> answer;
  fixture.start_append({{"a", "2", {}}}, Acks::one, answer);  // written, not synced
  REQUIRE(answer);
  REQUIRE(answer->error.ok());
  Compactor compactor(fixture.partition(), {0, 0, 200, 0});
  const auto stats = compactor.run_due(CompactionMode::forced, no_pace);
  REQUIRE_OK(stats);
  CHECK(stats->records_dropped == 1);
  for (std::uint64_t i = 0; i < 50; ++i) {
    CrashState crash = CrashStates::random_now(fixture.disk(), CrashProfile::worst, test_seed() + i);
    INFO(crash.description);
    PartitionFixture recovered(std::move(crash.image), small_config(), true);
    const Got got = recovered.get("a");
    REQUIRE(got.status == LookupAnswer::Status::found);
    REQUIRE((got.value == "1" || got.value == "2"));
  }
  // Once it is on disk the older one goes, though the active segment has not been closed.
  fixture.run_all();
  write(fixture, model, "c", "1");
  model["a"] = "2";
  const auto again = compact(fixture);
  REQUIRE_OK(again);
  CHECK(again->records_dropped == 1);
  check(fixture, model);
  fixture.restart();
  check(fixture, model);
}

// bitcask 860eb0d: the removal of what was judged took away what had come since.
TEST_CASE("a key that is written while its tombstone is being dropped is found, also after a restart", "[compaction]") {
  PartitionConfig config = small_config();
  config.delete_retention_ms = 1000;
  PartitionFixture fixture(config);
  Model model;
  write(fixture, model, "a", "1");
  write(fixture, model, "a", std::nullopt);
  write(fixture, model, "b", "1");
  REQUIRE_OK(fixture.partition().roll());
  fixture.run_all();
  REQUIRE_OK(compact(fixture));
  fixture.clock().advance_ms(2000);
  Compactor compactor(fixture.partition(), {0, 0, 200, 0});
  int groups = 0;  // the write comes when the rewrite has judged
  const auto stats = compactor.run_due(CompactionMode::forced, [&](std::uint64_t, std::uint64_t) -> Status {
    if (++groups == 1) write(fixture, model, "a", "again");
    return {};
  });
  REQUIRE_OK(stats);
  CHECK(stats->tombstones_dropped == 1);
  check(fixture, model);
  fixture.restart();
  check(fixture, model);
}

// KAFKA-4545, KAFKA-8522: counted from anything older, a consumer that is slow by less would miss the delete.
TEST_CASE("a tombstone stays for delete.retention.ms after its older versions went, however old it is by then",
          "[compaction]") {
  PartitionConfig config = small_config();
  config.delete_retention_ms = 1000;
  PartitionFixture fixture(config);
  Model model;
  write(fixture, model, "a", "1");
  write(fixture, model, "a", std::nullopt);
  REQUIRE_OK(fixture.partition().roll());
  fixture.run_all();
  fixture.clock().advance_ms(60'000);
  const auto tombstones = [&] {
    const auto stored = fixture.fetch_all();
    return std::count_if(stored.begin(), stored.end(), [](const auto& record) { return !record.value; });
  };
  const auto check_stays = [&] {
    REQUIRE_OK(compact(fixture));
    CHECK(tombstones() == 1);
    CHECK(fixture.get("a").status == LookupAnswer::Status::deleted);
  };
  check_stays();
  fixture.clock().advance_ms(900);
  write(fixture, model, "b", "1");
  REQUIRE_OK(fixture.partition().roll());
  fixture.run_all();
  check_stays();
  fixture.restart();
  check_stays();
  fixture.clock().advance_ms(1100);  // since "b" was cleaned, too: it may have come into the same segment
  REQUIRE_OK(compact(fixture));
  CHECK(tombstones() == 0);
  check(fixture, model);
}

}  // namespace
