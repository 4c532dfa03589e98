#include "tests/crash/crash_run.h"

#include <cstdlib>
#include <iostream>

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

struct Replay {
  std::string workload;
  std::size_t profile = 0;
  std::size_t number = 0;
};
std::optional<Replay> replay_asked() {
  const char* text = std::getenv("LOGCASK_CRASH_REPLAY");
  if (!text) return std::nullopt;
  const std::string asked = text;
  const std::size_t first = asked.find(':');
  const std::size_t second = asked.find(':', first + 1);
  if (first == std::string::npos || second == std::string::npos) return std::nullopt;
  return Replay{asked.substr(0, first), std::stoul(asked.substr(first + 1)), std::stoul(asked.substr(second + 1))};
}

}  // namespace

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

void CrashRun::compact() {
  background();
  Compactor compactor(partition());
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

void CrashRun::check_image(CrashState& crash) {
  Oracle oracle = promised_at(crash.marks);
  oracle.may_also_hold(promised_at(crash.marks + 1));
  const Offset certain = oracle.committed();
  PartitionFixture fixture(std::move(crash.image), config_, true);
  INFO(fixture.report());
  oracle.reopened(fixture, certain, true);
  oracle.check(fixture);
  check_producers(fixture, oracle, crash.marks);
  append_more(fixture, oracle, ++last_id_, "a");
  append_more(fixture, oracle, ++last_id_, "new");
  fixture.restart();
  INFO("restarted: " << fixture.report());
  oracle.check(fixture);
  append_more(fixture, oracle, ++last_id_, "b");
  fixture.kill();
  fixture.open();
  INFO("killed: " << fixture.report());
  oracle.check(fixture);
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

CrashRun::Check CrashRun::check_all_crashes(const std::string& workload, std::uint64_t seed, std::size_t every) {
  static constexpr CrashProfile kProfiles[] = {CrashProfile::prefix, CrashProfile::ordered, CrashProfile::worst};
  const auto replay = replay_asked();
  Check check;
  for (std::size_t profile = 0; profile < std::size(kProfiles); ++profile) {
    if (replay && (replay->workload != workload || replay->profile != profile)) continue;
    CrashStates states(fixture_.disk(), kProfiles[profile], seed, true);
    std::size_t number = 0;
    while (auto crash = states.next()) {
      const std::size_t this_one = number++;
      if (replay ? this_one != replay->number : this_one % every != 0) continue;
      const std::string name = workload + ":" + std::to_string(profile) + ":" + std::to_string(this_one);
      INFO("LOGCASK_CRASH_REPLAY=" << name << ", seed " << seed << ": " << crash->description);
      if (replay) std::cerr << name << ": " << crash->description << "\n";
      check_image(*crash);
      ++check.images;
    }
  }
  return check;
}

}  // namespace logcask::testing
