// Replay: the snapshot, the marker and the tail have no gap, whatever happens between them.
#include "broker/services/replay_service.h"

#include <optional>

#include "broker/services/replay_advance.h"
#include "tests/broker/services/service_fixture.h"

namespace logcask::testing {
namespace {

// What a client keeps: a table built from records, and what it was told.
struct Reader {
  std::map<std::string, std::string> table;
  std::size_t markers = 0;
  std::size_t records = 0;
  std::map<std::string, std::string> table_at_marker;
  std::string token;
  std::optional<Status> ended;
};

class ReaderSink final : public ReplaySink {
 public:
  explicit ReaderSink(Reader& reader) : reader_(reader) {}
  void chunk(ReplayChunk chunk) override {
    for (const ByteView piece : chunk.pieces) {
      for (const auto& record : decode_records(piece)) {
        ++reader_.records;
        if (record.value)
          reader_.table[record.key] = *record.value;
        else
          reader_.table.erase(record.key);
      }
    }
    if (chunk.caught_up) {
      ++reader_.markers;
      reader_.table_at_marker = reader_.table;
    }
    if (!chunk.token.empty()) reader_.token = chunk.token;
  }
  void ended(Status status) override { reader_.ended = std::move(status); }

 private:
  Reader& reader_;
};

std::shared_ptr<OpenCall> start_replay(ServiceFixture& f, Reader& reader, ReplayOptions options,
                                       const std::string& topic = "t") {
  auto open = f.replay.replay(f.context(), topic, std::move(options), std::make_unique<ReaderSink>(reader));
  REQUIRE_OK(open);
  return *open;
}

ReplayOptions with_credit(std::uint64_t bytes) {
  ReplayOptions options;
  options.credit_bytes = bytes;
  return options;
}

constexpr std::uint64_t kPlenty = 1u << 30;

TEST_CASE("a replay sends live records only, then the marker, then what comes", "[replay]") {
  ServiceFixture f;
  f.create("t");
  f.put("t", "a", "1");
  f.put("t", "b", "2");
  f.put("t", "a", "3");
  f.put("t", "b", std::nullopt);
  Reader reader;
  const auto open = start_replay(f, reader, with_credit(kPlenty));
  f.run();
  CHECK(reader.markers == 1);
  CHECK(reader.table == std::map<std::string, std::string>{{"a", "3"}});
  CHECK(reader.records <= 2);
  f.put("t", "c", "4");
  f.run();
  CHECK(reader.table.at("c") == "4");
  CHECK(reader.markers == 1);
}

TEST_CASE("a replay of a read-only partition keeps no loop busy and goes on after a reopen", "[replay]") {
  ServiceFixture f;
  f.create("t");
  f.put("t", "a", "1");
  f.make_read_only("t");
  Reader reader;
  const auto open = start_replay(f, reader, with_credit(kPlenty));
  int turns = 0;
  while (turns < 100 && (f.turn_loop() || f.step_background())) ++turns;
  CHECK(turns < 100);
  CHECK(reader.markers == 1);
  CHECK(!reader.ended.has_value());
  REQUIRE_OK(f.partition("t").partition().reopen());
  f.partition("t").run_all();
  f.put("t", "b", "1");
  f.loop.advance_ms(1000);
  f.run();
  CHECK(reader.table.contains("b"));
  CHECK(!reader.ended.has_value());
}

TEST_CASE("an empty topic is caught up at once", "[replay]") {
  ServiceFixture f;
  f.create("t", 3);
  Reader reader;
  ReplayOptions options = with_credit(kPlenty);
  options.stop_at_caught_up = true;
  start_replay(f, reader, options);
  f.run();
  CHECK(reader.markers == 3);
  REQUIRE(reader.ended.has_value());
  CHECK(reader.ended->ok());
}

TEST_CASE("a key that is overwritten or deleted during the walk is right when the marker comes", "[replay]") {
  // Interleave one change of a hot key with the walk at every possible point.
  for (std::size_t steps_before = 0; steps_before < 14; ++steps_before) {
    for (const bool deletes : {false, true}) {
      INFO("change after " << steps_before << " steps, " << (deletes ? "delete" : "overwrite"));
      ServiceFixture f;
      f.create("t");
      std::map<std::string, std::string> expected;
      for (int i = 0; i < 10; ++i) {
        const std::string key = "k" + std::to_string(i);
        f.put("t", key, "old");
        expected[key] = "old";
      }
      Reader reader;
      // One byte of credit lets one batch through: the walk takes a step for every record.
      const auto open = start_replay(f, reader, with_credit(1));
      for (std::size_t step = 0; step < steps_before; ++step) {
        while (f.turn_loop()) {
        }
        f.step_background();
        open->add_credit(200);
      }
      for (const char* key : {"k0", "k5", "k9"}) {
        f.put("t", key, deletes ? std::nullopt : std::optional<std::string>("new"));
        if (deletes)
          expected.erase(key);
        else
          expected[key] = "new";
      }
      open->add_credit(kPlenty);
      f.run();
      REQUIRE(reader.markers == 1);
      CHECK(reader.table == expected);
      // The marker may come before the change only if the change came after the walk had ended.
      const bool old_state = reader.table_at_marker.size() == 10 && reader.table_at_marker.at("k0") == "old";
      CHECK((reader.table_at_marker == expected || old_state));
      // Never a key missing that always existed: the lie of a marker that comes too early.
      if (!deletes) CHECK(reader.table_at_marker.size() == 10);
    }
  }
}

TEST_CASE("a replay resumes from its token at every point without losing or inventing anything", "[replay]") {
  for (int cut = 0; cut < 12; ++cut) {
    INFO("connection lost after " << cut << " chunks of credit");
    ServiceFixture f;
    f.create("t", 2);
    for (int i = 0; i < 8; ++i) f.put("t", "k" + std::to_string(i), "1", i % 2);
    Reader reader;
    {
      const auto open = start_replay(f, reader, with_credit(1));
      for (int i = 0; i < cut; ++i) {
        f.run();
        open->add_credit(100);
      }
      open->cancel(Error{Errc::cancelled, "gone"});
      REQUIRE(reader.ended.has_value());
    }
    f.put("t", "k0", "2", 0);
    f.put("t", "k1", std::nullopt, 1);
    f.put("t", "new", "3", 1);
    ReplayOptions again = with_credit(kPlenty);
    again.resume_token = reader.token;
    again.stop_at_caught_up = true;
    reader.ended.reset();
    const std::size_t markers = reader.markers;
    start_replay(f, reader, again);
    f.run();
    REQUIRE(reader.ended.has_value());
    CHECK(reader.ended->ok());
    CHECK(reader.markers >= markers);
    std::map<std::string, std::string> expected{{"k0", "2"}, {"new", "3"}};
    for (int i = 2; i < 8; ++i) expected["k" + std::to_string(i)] = "1";
    CHECK(reader.table == expected);
  }
}

TEST_CASE("a replay of everything sends every record and the marker", "[replay]") {
  ServiceFixture f;
  f.create("t");
  for (int i = 0; i < 5; ++i) f.put("t", "same", std::to_string(i));
  Reader reader;
  ReplayOptions options = with_credit(kPlenty);
  options.filter.live_only = false;
  options.stop_at_caught_up = true;
  start_replay(f, reader, options);
  f.run();
  CHECK(reader.records == 5);
  CHECK(reader.markers == 1);
}

TEST_CASE("a key prefix filters walk and tail", "[replay]") {
  ServiceFixture f;
  f.create("t");
  f.put("t", "user/1", "a");
  f.put("t", "order/1", "b");
  Reader reader;
  ReplayOptions options = with_credit(kPlenty);
  options.filter.key_prefix = "user/";
  const auto open = start_replay(f, reader, options);
  f.run();
  f.put("t", "order/2", "c");
  f.put("t", "user/2", "d");
  f.run();
  CHECK(reader.table == std::map<std::string, std::string>{{"user/1", "a"}, {"user/2", "d"}});
}

TEST_CASE("no more than the credit and one batch is sent", "[replay]") {
  ServiceFixture f;
  f.create("t");
  for (int i = 0; i < 50; ++i) f.put("t", "k" + std::to_string(i), std::string(100, 'x'));
  Reader reader;
  const auto open = start_replay(f, reader, with_credit(1));
  f.run();
  CHECK(reader.records == 1);
  CHECK(reader.markers == 0);
  open->add_credit(kPlenty);
  f.run();
  CHECK(reader.records == 50);
}

TEST_CASE("a token of another topic, another mode or a newer history is refused", "[replay]") {
  ServiceFixture f;
  f.create("t");
  f.create("u");
  f.put("t", "a", "1");
  Reader reader;
  start_replay(f, reader, with_credit(kPlenty));
  f.run();
  const auto refused = [&](const std::string& topic, const std::string& token, bool live_only) {
    ReplayOptions options;
    options.resume_token = token;
    options.filter.live_only = live_only;
    return f.replay.replay(f.context(), topic, options, std::make_unique<ReaderSink>(reader)).code();
  };
  CHECK(refused("u", reader.token, true) == Errc::topic_changed);
  CHECK(refused("t", reader.token, false) == Errc::invalid_argument);
  CHECK(refused("t", "nonsense", true) == Errc::stale_token);
  auto token = decode_replay_token(reader.token);
  REQUIRE_OK(token);
  token->partitions[0].position = Offset(1'000'000'000);
  CHECK(refused("t", encode_replay_token(*token), true) == Errc::topic_changed);
  token = decode_replay_token(reader.token);
  REQUIRE(token->partitions[0].run != kNoRun);
  token->partitions[0].run = RunId(token->partitions[0].run.value() + 1);
  CHECK(refused("t", encode_replay_token(*token), true) == Errc::topic_changed);
  token = decode_replay_token(reader.token);
  token->partitions[0].epoch = LeaderEpoch(99);
  CHECK(refused("t", encode_replay_token(*token), true) == Errc::topic_changed);
}

TEST_CASE("a replay is told about a passed tombstone horizon only when it needs what is gone", "[replay]") {
  ReplayPosition position;
  position.position = Offset(50);
  position.walk_end = Offset(100);
  position.horizon_at_start = Offset(20);
  const auto code = [&](bool live_only, std::int64_t horizon) {
    return check_horizon(position, live_only, Offset(horizon)).code();
  };
  position.phase = ReplayPhase::tail;
  position.position = Offset(120);
  CHECK(code(true, 20) == Errc::ok);
  CHECK(code(true, 120) == Errc::ok);
  CHECK(code(true, 121) == Errc::tombstone_horizon_passed);
  // A walk of live records needs deletes from the start of its tail only.
  position.phase = ReplayPhase::walk;
  position.position = Offset(50);
  CHECK(code(true, 100) == Errc::ok);
  CHECK(code(true, 101) == Errc::tombstone_horizon_passed);
  // A scan of everything needs them from where it stands, but never those that were gone when it began.
  CHECK(code(false, 50) == Errc::ok);
  CHECK(code(false, 51) == Errc::tombstone_horizon_passed);
  position.position = Offset(0);
  CHECK(code(false, 20) == Errc::ok);
}

TEST_CASE("a replay that begins while a large batch is being committed waits for the rest of it", "[replay]") {
  constexpr int kRecords = 1000;
  PartitionFixture fixture;
  std::vector<TestRecord> records;
  for (int i = 0; i < kRecords; ++i) records.push_back({"k" + std::to_string(i), "v", {}});
  const ReplayFilter live_only{true, false, ""};
  ReplayPosition position;
  bool begun = false;
  const ByteView first_key[] = {"k0"};
  // Told after the first slice of the commit, while the rest waits.
  const auto watch = fixture.partition().watch(first_key, [&](const Result<std::vector<KeyChange>>&) {
    position = first_replay_position(fixture.partition(), PartitionId(0)).value();
    REQUIRE(position.walk_end > Offset(0));
    REQUIRE(position.walk_end < Offset(kRecords));
    const auto step = advance_replay(fixture.partition(), position, live_only, 1u << 20);
    REQUIRE_OK(step);
    CHECK(step->position.position == position.position);
    begun = true;
  });
  REQUIRE_OK(watch);
  CHECK(fixture.append(records).error.ok());
  REQUIRE(begun);
  std::map<std::string, std::string> table;
  for (bool marker = false; !marker;) {
    const auto step = advance_replay(fixture.partition(), position, live_only, 1u << 20);
    REQUIRE_OK(step);
    for (const ByteView piece : step->pieces)
      for (const auto& record : decode_records(piece)) table[record.key] = record.value.value_or("");
    position = step->position;
    marker = step->marker;
  }
  CHECK(table.size() == kRecords);
}

}  // namespace
}  // namespace logcask::testing
