// A partition under everything at once: appends of all kinds, rolls, compaction, retention, restarts, kills, power
// losses, a full disk, failing calls; after each the partition must be what a plain list of records says it is.
//
// One run is one seed. LOGCASK_TEST_SEED starts from another seed, LOGCASK_TEST_RUNS says how many runs, and
// LOGCASK_TEST_BUDGET_S goes on for so many seconds. A failure names the seed of its run and what was done last.

#include <chrono>
#include <deque>
#include <iostream>

#include "base/random.h"
#include "compactor/compactor.h"
#include "tests/model/oracle.h"
#include "tests/model/run.h"
#include "tests/support/catch.h"
#include "tests/support/crash_states.h"
#include "tests/support/seed.h"

using namespace logcask;
using namespace logcask::testing;

namespace {

constexpr std::size_t kKeys = 8;
constexpr std::size_t kTraceKept = 60;
constexpr std::size_t kDuplicatesKnown = 5;
constexpr ConfigShape kShape{1300, 60, 1000, 3000, 500, 5000, 20'000, 3000};

std::string outcome(const AppendResult& result) {
  return result.error.ok() ? (result.duplicate ? "duplicate" : "ok") : result.error.error().to_string();
}

struct Sent {
  std::string bytes;
  std::vector<ModelRecord> records;
};

// An append under way, shared with its callback.
struct Waiting {
  std::vector<ModelRecord> records;
  Acks acks = Acks::all;
  std::optional<Offset> base;  // once it is in the log
  bool conditional = false;
  bool must_refuse = false;  // the condition failed when it was asked
  bool may_refuse = false;   // nobody can tell
  Offset current;            // what the refusal must name
  bool duplicate = false;
  std::optional<AppendResult> answer;
};

struct Producer {
  ProducerId id;
  std::int16_t epoch = 0;
  std::int32_t sequence = 0;
  std::deque<Sent> sent;   // of this epoch, the last few
  bool lost_some = false;  // sequence numbers may no longer fit
};

class ModelRun {
 public:
  explicit ModelRun(std::uint64_t seed)
      : random_(seed),
        config_(random_config(random_, kShape)),
        fixture_(std::make_unique<MemoryFileSystem>(), config_),
        oracle_(config_.read_visibility == ReadVisibility::written) {
    for (int i = 0; i < 3; ++i) producers_.push_back({ProducerId(100 + i), 0, 0, {}, false});
    compactor_.emplace(fixture_.partition(), Compactor::Options{64u << 20, 1u << 30, 32 * 1024, 0});
  }

  void run(int operations) {
    for (int i = 0; i < operations; ++i) {
      operation();
      note();
      if (random_.one_in(25)) {
        say("check");
        oracle_.check(fixture_);
      }
    }
    settle();
    oracle_.check(fixture_);
    restart();
    oracle_.check(fixture_);
    fixture_.kill();
    REQUIRE(fixture_.budget().used_entries() == 0);
  }

  std::string trace() const { return trace_.text(); }

 private:
  void operation() {
    const std::uint64_t draw = random_.below(1000);
    if (draw < 430) return append();
    if (draw < 560) return step_flush();
    if (draw < 640) return step_background();
    if (draw < 680) return run_later();
    if (draw < 730) return roll();
    if (draw < 750) return delete_records();
    if (draw < 800) return tick();
    if (draw < 850) return compact();
    if (draw < 865) return restart();
    if (draw < 895) return kill();
    if (draw < 930) return power_loss();
    if (draw < 950) return disk_full();
    if (draw < 970) return failing_call();
    if (draw < 985) return resend();
    return settle();
  }

  void say(const std::string& what) { trace_.say(what); }
  void note() { oracle_.note(fixture_.partition().snapshot()); }
  std::string key() { return "key" + std::to_string(random_.below(kKeys)); }

  // ---- appends

  std::vector<ModelRecord> make_records() {
    std::vector<ModelRecord> records(random_.one_in(3) ? 1 + random_.below(4) : 1);
    for (ModelRecord& record : records) {
      record.id = ++last_id_;
      record.key = key();
      if (random_.one_in(5)) continue;
      const std::size_t size = random_.one_in(10) ? 300 + random_.below(400) : random_.below(60);
      record.value = "v" + std::to_string(record.id) + std::string(size, static_cast<char>('a' + record.id % 26));
    }
    return records;
  }

  std::string encode(const std::vector<ModelRecord>& records, Producer* producer) {
    BatchBuilder::Options options;
    static constexpr Compression kCodecs[] = {Compression::none,   Compression::none, Compression::gzip,
                                              Compression::snappy, Compression::lz4,  Compression::zstd};
    options.compression = kCodecs[random_.below(std::size(kCodecs))];
    if (producer) {
      options.producer_id = producer->id;
      options.producer_epoch = producer->epoch;
      options.base_sequence = producer->sequence;
    }
    BatchBuilder builder(Offset(0), options);
    for (std::size_t i = 0; i < records.size(); ++i)
      builder.add(Offset(static_cast<std::int64_t>(i)), TimestampMs(records[i].id), ByteView(records[i].key),
                  records[i].value ? std::optional<ByteView>(*records[i].value) : std::nullopt);
    std::string bytes;
    REQUIRE_OK(builder.finish(bytes));
    return bytes;
  }

  Acks random_acks() {
    const auto draw = random_.below(4);
    return draw == 0 ? Acks::none : draw == 1 ? Acks::one : Acks::all;
  }

  void append() {
    Producer* producer = random_.one_in(3) ? &producers_[random_.below(producers_.size())] : nullptr;
    const auto records = make_records();
    auto waiting = std::make_shared<Waiting>();
    waiting->records = records;
    waiting->acks = random_acks();
    std::vector<Condition> conditions;
    if (!producer && random_.one_in(4)) conditions.push_back(make_condition(*waiting));
    const std::string bytes = encode(records, producer);
    if (!send(bytes, waiting, std::move(conditions))) {
      // Refused at once, or cut back by a full disk.
      if (producer && (!waiting->answer || !waiting->answer->error.ok())) renew(*producer, *waiting);
      return;
    }
    if (!producer) return;
    producer->sequence += static_cast<std::int32_t>(records.size());
    producer->sent.push_back({bytes, records});
    if (producer->sent.size() > kDuplicatesKnown) producer->sent.pop_front();
  }

  // A new epoch, as a client does when it does not know what became of its last batches.
  void renew(Producer& producer, const Waiting& waiting) {
    if (waiting.answer && waiting.answer->error.code() == Errc::out_of_order_sequence) REQUIRE(producer.lost_some);
    if (waiting.answer) REQUIRE(waiting.answer->error.code() != Errc::invalid_producer_epoch);
    ++producer.epoch;
    producer.sequence = 0;
    producer.sent.clear();
    producer.lost_some = losing_;
  }

  Condition make_condition(Waiting& waiting) {
    Condition condition;
    condition.record_index = static_cast<std::uint32_t>(random_.below(waiting.records.size()));
    const std::string& key = waiting.records[condition.record_index].key;
    note();
    const PartitionSnapshot snapshot = fixture_.partition().snapshot();
    Oracle::Newest newest = oracle_.newest(key, snapshot.next_offset);
    for (std::uint32_t i = 0; i < condition.record_index; ++i) {
      if (waiting.records[i].key != key) continue;
      newest.offset = snapshot.next_offset + static_cast<std::int64_t>(i);
      newest.record = &waiting.records[i];
      newest.may_be_absent = false;
    }
    waiting.conditional = true;
    waiting.current = newest.offset;
    bool holds = false;
    switch (random_.below(3)) {
      case 0:
        condition.kind = Condition::Kind::absent;
        holds = !newest.live();
        break;
      case 1:
        condition.kind = Condition::Kind::exists;
        holds = newest.live();
        break;
      default:
        condition.kind = Condition::Kind::offset;
        condition.offset = random_.one_in(3) ? Offset(static_cast<std::int64_t>(random_.below(20))) : newest.offset;
        holds = newest.record != nullptr && condition.offset == newest.offset;
        waiting.may_refuse = holds && newest.may_be_absent;
    }
    if (newest.may_be_absent) waiting.current = kNoOffset;  // not looked at
    waiting.must_refuse = !holds;
    return condition;
  }

  // True when the batch is in the log now.
  bool send(const std::string& bytes, const std::shared_ptr<Waiting>& waiting, std::vector<Condition> conditions) {
    const PartitionSnapshot before = fixture_.partition().snapshot();
    fixture_.start_batch(
        bytes, waiting->acks, [this, waiting](AppendResult result) { answered(*waiting, std::move(result)); },
        std::move(conditions));
    const PartitionSnapshot after = fixture_.partition().snapshot();
    const auto count = static_cast<std::int64_t>(waiting->records.size());
    const bool taken =
        after.state != PartitionSnapshot::State::offline && after.next_offset == before.next_offset + count;
    say("append " + std::to_string(count) + " acks " + std::to_string(static_cast<int>(waiting->acks)) +
        (waiting->conditional ? " conditional" : "") +
        (taken ? " at " + std::to_string(before.next_offset.value()) : std::string(" not taken")) +
        (waiting->answer ? " answered " + outcome(*waiting->answer) : std::string()));
    if (taken) {
      REQUIRE_FALSE(waiting->must_refuse);
      waiting->base = before.next_offset;
      oracle_.assigned(before.next_offset, waiting->records);
      if (waiting->answer && waiting->acks != Acks::none) oracle_.told(*waiting->base, waiting->records.size());
      check_answer(*waiting);
    }
    note();
    if (!waiting->answer) waiting_.push_back(waiting);
    return taken;
  }

  void answered(Waiting& waiting, AppendResult result) {
    REQUIRE_FALSE(waiting.answer.has_value());  // once
    waiting.answer = std::move(result);
    if (waiting.answer->error.ok()) {
      const PartitionSnapshot s = fixture_.partition().snapshot();
      if (waiting.acks == Acks::all) REQUIRE(s.committed_end > waiting.answer->last_offset);
      if (waiting.acks == Acks::one) REQUIRE(s.written_end > waiting.answer->last_offset);
    }
    check_answer(waiting);
  }

  void check_answer(Waiting& waiting) {
    if (!waiting.answer) return;
    const AppendResult& answer = *waiting.answer;
    if (answer.error.ok()) {
      if (answer.duplicate) {
        const auto place = oracle_.place_of(waiting.records.front().id);
        REQUIRE(place.has_value());
        REQUIRE(answer.base_offset == *place);
      } else if (waiting.base) {
        REQUIRE(answer.base_offset == *waiting.base);
        REQUIRE(answer.last_offset == *waiting.base + static_cast<std::int64_t>(waiting.records.size() - 1));
        if (waiting.acks != Acks::none) oracle_.told(*waiting.base, waiting.records.size());
      }
      return;
    }
    INFO("append failed: " << answer.error.error().to_string());
    if (answer.error.code() == Errc::condition_failed) {
      REQUIRE(waiting.conditional);
      REQUIRE((waiting.must_refuse || waiting.may_refuse));
      if (waiting.current != kNoOffset) REQUIRE(answer.current_offset == waiting.current);
    }
    if (answer.error.code() == Errc::storage_full) REQUIRE(space_was_short_);
    if (answer.error.code() == Errc::read_only) REQUIRE(calls_failed_);
  }

  void resend() {
    Producer& producer = producers_[random_.below(producers_.size())];
    if (producer.sent.empty()) return;
    const Sent sent = producer.sent[random_.below(producer.sent.size())];
    auto waiting = std::make_shared<Waiting>();
    waiting->records = sent.records;
    waiting->acks = random_acks();
    waiting->duplicate = true;
    const bool was_there = oracle_.place_of(sent.records.front().id).has_value();
    const bool taken = send(sent.bytes, waiting, {});
    if (was_there) REQUIRE_FALSE(taken);
    if (taken) {
      // The original was lost; whatever came behind it does not follow any more.
      renew(producer, Waiting{});
    } else if (waiting->answer && !waiting->answer->error.ok()) {
      if (was_there && !producer.lost_some) REQUIRE(waiting->answer->error.code() != Errc::out_of_order_sequence);
      renew(producer, *waiting);
    }
  }

  // ---- progress

  void step_flush() {
    say("flush step");
    fixture_.flush().run_one();
  }
  void drain_flush() {
    while (fixture_.flush().run_one()) note();
  }
  // A checkpoint waits for a sync that another thread does: there is none here, so it must be through.
  void step_background() {
    drain_flush();
    say("background step");
    fixture_.background().run_one();
  }
  void run_later() {
    say("timers");
    fixture_.flush().run_later();
  }
  void tick() {
    fixture_.clock().advance_ms(static_cast<std::int64_t>(random_.below(2000)));
    say("tick");
    fixture_.partition().tick();
  }
  void drain() {
    fixture_.run_all();
    fixture_.flush().run_later();
    fixture_.run_all();
    note();
  }

  void settle() {
    say("settle");
    space_back();
    repair();
    drain();
    for (const auto& waiting : waiting_) {
      INFO("an append was never answered");
      REQUIRE(waiting->answer.has_value());
    }
    waiting_.clear();
    space_was_short_ = calls_failed_ = false;
    const PartitionSnapshot s = fixture_.partition().snapshot();
    INFO("state: " << s.reason);
    REQUIRE(s.state == PartitionSnapshot::State::online);
    REQUIRE(s.committed_end == s.next_offset);
  }

  // ---- structure

  void roll() {
    drain_flush();
    say("roll");
    const Status rolled = fixture_.partition().roll();
    if (!rolled.ok()) say("  " + rolled.error().to_string());
    if (!rolled.ok()) REQUIRE((space_was_short_ || calls_failed_));
  }

  void delete_records() {
    drain_flush();  // it may have to save the producers first, which waits for the disk
    const auto range = oracle_.committed() - oracle_.log_start();
    const Offset to =
        oracle_.log_start() + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(range) + 1));
    say("delete records below " + std::to_string(to.value()));
    const auto moved = fixture_.partition().delete_records(to);
    if (moved.ok()) {
      REQUIRE(fixture_.partition().snapshot().log_start_offset == *moved);
    } else {
      say("  " + moved.error().to_string());
      REQUIRE((space_was_short_ || calls_failed_));
    }
  }

  void compact() {
    drain();
    const CompactionMode mode = random_.one_in(2) ? CompactionMode::forced : CompactionMode::background;
    say(mode == CompactionMode::forced ? "compact" : "compact what is due");
    int meanwhile = static_cast<int>(random_.below(6));
    const auto pace = [&](std::uint64_t, std::uint64_t) -> Status {
      if (meanwhile > 0 && random_.one_in(2)) {
        --meanwhile;
        switch (random_.below(8)) {
          case 0:
            drain();
            break;
          case 1:
            delete_records();
            break;
          case 2:
            roll();
            break;
          case 3:
            tick();
            break;
          default:
            append();
            drain_flush();
        }
      }
      if (random_.one_in(60)) return Error{Errc::cancelled, "the test stops the rewrite"};
      return {};
    };
    const auto done = compactor_->run_due(mode, pace);
    if (done.ok()) {
      say("  " + std::to_string(done->rewrites) + " rewrites, " + std::to_string(done->records_dropped) + " dropped, " +
          std::to_string(done->tombstones_dropped) + " tombstones");
    } else {
      say("  " + done.error().to_string());
      REQUIRE(done.code() != Errc::internal);
      REQUIRE(done.code() != Errc::corrupt_range);
    }
  }

  // ---- stops

  void stopped() {
    waiting_.clear();
    compactor_.emplace(fixture_.partition(), Compactor::Options{64u << 20, 1u << 30, 32 * 1024, 0});
    may_lose();
  }
  // Batches may go, and sequence numbers behind them no longer fit.
  void may_lose() {
    for (Producer& producer : producers_) producer.lost_some = true;
  }

  void restart() {
    settle();
    say("restart");
    const Offset certain = fixture_.partition().snapshot().next_offset;
    fixture_.restart();
    stopped();
    oracle_.reopened(fixture_, certain);
  }

  void open_again() {
    // Under a fault the partition may stay offline; then a reopen mends it.
    if (fixture_.partition().snapshot().state == PartitionSnapshot::State::offline) {
      say("  offline: " + fixture_.partition().snapshot().reason);
      REQUIRE((space_was_short_ || calls_failed_));
      space_back();
      fixture_.disk().clear_faults();
      const auto reopened = fixture_.partition().reopen();
      REQUIRE_OK(reopened);
    }
    if (random_.one_in(2)) fixture_.run_all();
  }

  void kill() {
    const Offset certain = oracle_.written();
    say("kill");
    fixture_.kill();
    fixture_.open_only();
    stopped();
    open_again();
    oracle_.reopened(fixture_, certain);
  }

  void power_loss() {
    static constexpr CrashProfile kProfiles[] = {CrashProfile::prefix, CrashProfile::ordered, CrashProfile::worst};
    CrashState crash = CrashStates::random_now(fixture_.disk(), kProfiles[random_.below(3)], random_.next());
    say(crash.description);
    const Offset certain = oracle_.committed();
    space_was_short_ = calls_failed_ = false;
    fixture_.power_loss(std::move(crash.image));
    stopped();
    open_again();
    oracle_.reopened(fixture_, certain, true);
  }

  // ---- trouble

  void disk_full() {
    space_was_short_ = true;
    losing_ = true;
    may_lose();
    const std::uint64_t left = random_.below(300);
    say("disk full but for " + std::to_string(left));
    fixture_.disk().set_capacity(fixture_.disk().used_bytes() + left);
    const auto operations = random_.below(8);
    for (std::uint64_t i = 0; i < operations; ++i) {
      small_operation();
      note();
    }
    space_back();
    // No harm but refusals.
    drain();
    losing_ = false;
    if (!calls_failed_) REQUIRE(fixture_.partition().snapshot().state == PartitionSnapshot::State::online);
  }
  void space_back() { fixture_.disk().set_capacity(UINT64_MAX); }

  void failing_call() {
    calls_failed_ = true;
    losing_ = true;
    may_lose();
    Fault fault;
    fault.nth = 1 + random_.below(12);
    fault.sticky = random_.one_in(4);
    fault.short_write = random_.one_in(3);
    if (random_.one_in(3)) fault.kinds = {OperationKind::sync_data};
    say("call " + std::to_string(fault.nth) + (fault.kinds.empty() ? " fails" : " of sync_data fails") +
        (fault.sticky ? " and all later ones" : ""));
    fixture_.disk().fail(fault);
    const auto operations = 1 + random_.below(8);
    for (std::uint64_t i = 0; i < operations; ++i) {
      small_operation();
      note();
    }
    if (random_.one_in(3)) {
      random_.one_in(2) ? kill() : power_loss();
      fixture_.disk().clear_faults();
    } else {
      repair();
    }
    losing_ = false;
  }

  void repair() {
    fixture_.disk().clear_faults();
    if (!calls_failed_) return;
    fixture_.run_all();
    const PartitionSnapshot s = fixture_.partition().snapshot();
    say("reopen " + s.reason);
    const Offset certain = oracle_.written();
    const auto reopened = fixture_.partition().reopen();
    REQUIRE_OK(reopened);
    say("  " + *reopened);
    fixture_.run_all();
    may_lose();
    compactor_.emplace(fixture_.partition(), Compactor::Options{64u << 20, 1u << 30, 32 * 1024, 0});
    if (*reopened != "nothing to do: the partition is online") oracle_.reopened(fixture_, certain);
    // It is whole again.
    REQUIRE(fixture_.partition().snapshot().state == PartitionSnapshot::State::online);
    drain();
    REQUIRE_OK(fixture_.partition().checkpoint());
    REQUIRE_OK(fixture_.partition().roll());
    fixture_.partition().tick();
    drain();
    REQUIRE(fixture_.partition().state().closed.size() + 1 == fixture_.partition().segments().size());
  }

  void small_operation() {
    switch (random_.below(10)) {
      case 0:
        return step_background();
      case 1:
        return roll();
      case 2:
        return delete_records();
      case 3:
        return compact();
      case 4:
        return tick();
      case 5:
      case 6:
        return step_flush();
      default:
        return append();
    }
  }

  Random random_;
  Trace trace_{kTraceKept};
  const PartitionConfig config_;
  PartitionFixture fixture_;
  Oracle oracle_;
  std::optional<Compactor> compactor_;
  std::vector<Producer> producers_;
  std::vector<std::shared_ptr<Waiting>> waiting_;
  std::int64_t last_id_ = 1'000'000;
  bool losing_ = false;  // what is taken now may go again
  bool space_was_short_ = false;
  bool calls_failed_ = false;
};

}  // namespace

TEST_CASE("a partition is at all times what a list of its records says", "[model]") {
  const std::uint64_t first = test_seed();
  const std::uint64_t runs = from_environment("LOGCASK_TEST_RUNS", 100);
  const std::uint64_t budget_s = from_environment("LOGCASK_TEST_BUDGET_S", 0);
  const auto start = std::chrono::steady_clock::now();
  const auto in_budget = [&] { return std::chrono::steady_clock::now() - start < std::chrono::seconds(budget_s); };
  for (std::uint64_t i = 0; i < runs || in_budget(); ++i) {
    const std::uint64_t seed = first + i;
    INFO("seed " << seed << "; LOGCASK_TEST_SEED=" << seed << " LOGCASK_TEST_RUNS=1 runs it alone");
    ModelRun run(seed);
    try {
      run.run(250);
    } catch (...) {
      std::cerr << "seed " << seed << ", the last operations:" << run.trace() << "\n";
      throw;
    }
  }
}
