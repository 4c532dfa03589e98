#include "tests/crash/crash_run.h"

#include "compactor/compactor.h"
#include "tests/support/catch.h"

namespace logcask::testing {
namespace {

std::string encode(const std::vector<ModelRecord>& records, ProducerId producer, std::int32_t sequence) {
  BatchBuilder::Options options;
  options.producer_id = producer;
  options.producer_epoch = producer == kNoProducer ? -1 : 0;
  options.base_sequence = sequence;
  BatchBuilder builder(Offset(0), options);
  for (std::size_t i = 0; i < records.size(); ++i)
    builder.add(Offset(static_cast<std::int64_t>(i)), TimestampMs(records[i].id), ByteView(records[i].key),
                records[i].value ? std::optional<ByteView>(*records[i].value) : std::nullopt);
  std::string bytes;
  REQUIRE_OK(builder.finish(bytes));
  return bytes;
}

// An append by the check itself, through the door and to the disk.
void append_more(PartitionFixture& fixture, Oracle& oracle, std::int64_t id, const std::string& key) {
  const std::vector<ModelRecord> records{{id, key, "after the crash"}};
  std::optional<AppendResult> answer;
  fixture.start_batch(encode(records, kNoProducer, -1), Acks::all,
                      [&](AppendResult result) { answer = std::move(result); });
  fixture.run_all();
  REQUIRE(answer.has_value());
  REQUIRE_OK(answer->error);
  oracle.assigned(answer->base_offset, records);
  oracle.note(fixture.partition().snapshot());
}

void compact_all(PartitionFixture& fixture) {
  REQUIRE_OK(fixture.partition().roll());
  fixture.run_all();
  Compactor compactor(fixture.partition(), {64u << 20, 1u << 30, 32 * 1024, 0});
  REQUIRE_OK(compactor.run_due(CompactionMode::forced, [](std::uint64_t, std::uint64_t) -> Status { return {}; }));
  fixture.run_all();
}

}  // namespace

CrashRun::CrashRun(const PartitionConfig& config, std::unique_ptr<MemoryFileSystem> disk)
    : config_(config), fixture_(std::move(disk), config), oracle_(config.read_visibility == ReadVisibility::written) {
  states_.push_back(oracle_);
  mark();
}

// Goes on with an image of another run; opening it is part of the record.
CrashRun::CrashRun(const PartitionConfig& config, std::unique_ptr<MemoryFileSystem> image, const Oracle& promised,
                   std::vector<Produced> produced)
    : config_(config),
      fixture_(std::move(image), config, true),
      oracle_(promised),
      produced_(std::move(produced)),
      last_id_(2'000'000) {
  states_.push_back(oracle_);
  oracle_.reopened(fixture_, oracle_.committed(), true);
  mark();
}

void CrashRun::begin() {
  mark();
  fixture_.disk().settle();
  states_ = {oracle_};
}

void CrashRun::mark() {
  oracle_.note(fixture_.partition().snapshot());
  states_.push_back(oracle_);
  fixture_.disk().mark(std::to_string(states_.size() - 1));
}

void CrashRun::start(const std::vector<ModelRecord>& records, const std::string& bytes, Acks acks,
                     std::optional<AppendResult>& answer) {
  const Offset base = partition().snapshot().next_offset;
  fixture_.start_batch(bytes, acks, [&](AppendResult result) { answer = std::move(result); });
  if (partition().snapshot().next_offset == base + static_cast<std::int64_t>(records.size()))
    oracle_.assigned(base, records);
  mark();
}

void CrashRun::append(const std::vector<KeyValue>& records, Acks acks) {
  std::vector<ModelRecord> model;
  for (const auto& [key, value] : records) model.push_back({++last_id_, key, value});
  std::optional<AppendResult> answer;
  start(model, encode(model, kNoProducer, -1), acks, answer);
  while (!answer && fixture_.flush().run_one()) mark();
  REQUIRE(answer.has_value());
  // What a producer has been told is given to nobody else, even if the record is lost.
  if (answer->error.ok()) oracle_.told(answer->base_offset, model.size());
  mark();
}

void CrashRun::produce(std::int64_t producer, const std::string& key, const std::string& value) {
  const std::vector<ModelRecord> records{{++last_id_, key, value}};
  const std::string bytes = encode(records, ProducerId(producer), sequences_[producer]++);
  std::optional<AppendResult> answer;
  start(records, bytes, Acks::all, answer);
  while (!answer && fixture_.flush().run_one()) mark();
  REQUIRE(answer.has_value());
  REQUIRE_OK(answer->error);
  produced_.push_back({bytes, last_id_, states_.size() - 1});
}

void CrashRun::flush() {
  while (fixture_.flush().run_one()) mark();
  fixture_.flush().run_later();
  mark();
  while (fixture_.flush().run_one()) mark();
}

void CrashRun::background() {
  flush();
  while (fixture_.background().run_one()) mark();
}

void CrashRun::roll() {
  flush();
  (void)partition().roll();
  mark();
}

void CrashRun::delete_records(Offset before) {
  flush();
  (void)partition().delete_records(before);
  mark();
}

void CrashRun::tick() {
  partition().tick();
  mark();
  background();
}

void CrashRun::compact() {
  background();
  Compactor compactor(partition(), {64u << 20, 1u << 30, 32 * 1024, 0});
  const auto done = compactor.run_due(CompactionMode::forced, [&](std::uint64_t, std::uint64_t) -> Status {
    mark();
    return {};
  });
  REQUIRE_OK(done);
  mark();
}

void CrashRun::restart() {
  background();
  const Offset certain = partition().snapshot().next_offset;
  fixture_.restart();
  oracle_.reopened(fixture_, certain);
  mark();
}

void CrashRun::kill() {
  mark();
  const Offset certain = oracle_.written();
  fixture_.kill();
  fixture_.open_only();
  oracle_.reopened(fixture_, certain);
  mark();
}

Oracle CrashRun::promised(const CrashState& crash) const {
  Oracle oracle = promised_at(crash.marks);
  oracle.may_also_hold(promised_at(crash.marks + 1));
  return oracle;
}

void CrashRun::check(CrashState& crash) {
  Oracle oracle = promised(crash);
  const Offset certain = oracle.committed();
  PartitionFixture fixture(std::move(crash.image), config_, true);
  INFO(fixture.report());
  // Log start moves when somebody asks; retention asks whenever it looks.
  const Offset highest_start = config_.deletes ? states_.back().log_start() : promised_at(crash.marks + 1).log_start();
  REQUIRE(fixture.partition().snapshot().log_start_offset <= highest_start);
  oracle.reopened(fixture, certain, true);
  oracle.check(fixture);
  check_producers(fixture, oracle, crash.marks);
  append_more(fixture, oracle, ++last_id_, "a");
  append_more(fixture, oracle, ++last_id_, "new");
  compact_all(fixture);
  oracle.check(fixture);
  fixture.restart();
  INFO("restarted: " << fixture.report());
  oracle.check(fixture);
  append_more(fixture, oracle, ++last_id_, "b");
  fixture.kill();
  fixture.open();
  INFO("killed: " << fixture.report());
  oracle.check(fixture);
}

std::unique_ptr<Recording> CrashRun::recover(CrashState& crash) {
  std::vector<Produced> acked;
  for (const Produced& produced : produced_)
    if (produced.acked_at <= crash.marks) acked.push_back({produced.bytes, produced.id, 0});
  const Oracle oracle = promised(crash);
  std::unique_ptr<CrashRun> second(new CrashRun(config_, std::move(crash.image), oracle, std::move(acked)));
  second->put("a", "second life");
  return second;
}

void CrashRun::check_producers(PartitionFixture& fixture, const Oracle& oracle, std::size_t marks) {
  for (const Produced& produced : produced_) {
    if (produced.acked_at > marks) continue;
    std::optional<AppendResult> answer;
    fixture.start_batch(produced.bytes, Acks::all, [&](AppendResult result) { answer = std::move(result); });
    fixture.run_all();
    REQUIRE(answer.has_value());
    REQUIRE_OK(answer->error);
    REQUIRE(answer->duplicate);
    REQUIRE(answer->base_offset == oracle.place_of(produced.id));
  }
}

}  // namespace logcask::testing
