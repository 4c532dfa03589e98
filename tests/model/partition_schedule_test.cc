// Everything at every await point: at each step a seed picks what goes on next, and while a step waits for the disk
// (a write, a sync, a directory's sync) or a rewrite comes up for air, others append, read, compact, retain, close,
// delete the topic. A topic goes as in the broker, and also under a lookup, a fetch, a replay that waits for its read.
//
// The partition's executors are queues that the test empties task by task, so the order of everything is the seed's.
// LOGCASK_TEST_ROUNDS says how many seeds; a failure names its own, and LOGCASK_TEST_SEED starts from it.

#include <atomic>
#include <iostream>
#include <thread>
#include <utility>

#include "base/random.h"
#include "broker/data_directory.h"
#include "broker/services/replay_advance.h"
#include "compactor/compactor.h"
#include "tests/model/oracle.h"
#include "tests/model/run.h"
#include "tests/support/catch.h"
#include "tests/support/crash_states.h"
#include "tests/support/seed.h"

using namespace logcask;
using namespace logcask::testing;

namespace {

constexpr std::size_t kKeys = 5;
constexpr int kSteps = 60;
constexpr std::size_t kTraceKept = 80;
constexpr ConfigShape kShape{600, 30, 500, 1500, 300, 3000, 8000, 1500};
const std::string kDirectory = DataDirectory::partition_directory_name("t", PartitionId(0), TopicId{});
const Error kClosed{Errc::partition_offline, "closed by the test"};
const Error kDeleted{Errc::unknown_topic, "deleted by the test"};

std::string key_name(std::uint64_t number) { return "k" + std::to_string(number); }

std::unique_ptr<MemoryFileSystem> new_data_directory() {
  auto disk = std::make_unique<MemoryFileSystem>();
  const auto data = DataDirectory::open(disk->root(), "boot");
  REQUIRE_OK(data);
  REQUIRE_OK((*data)->create_partition(kDirectory));
  return disk;
}

struct Send {
  std::vector<ModelRecord> records;
  Acks acks = Acks::all;
  Offset base;           // where it goes if it is taken
  bool decided = false;  // whether it was taken is known
  bool taken = false;
  bool must_refuse = false;
  bool may_refuse = false;
  std::optional<Offset> original;  // of a batch sent again
  std::optional<AppendResult> answer;
};
using SendPtr = std::shared_ptr<Send>;

struct SentBatch {
  std::string bytes;
  SendPtr send;
};

class Schedule {
 public:
  explicit Schedule(std::uint64_t seed)
      : random_(seed),
        config_(random_config(random_, kShape)),
        fixture_(new_data_directory(), config_, false, kDirectory),
        oracle_(config_.read_visibility == ReadVisibility::written) {
    opened();
  }
  ~Schedule() { fixture_.disk().meanwhile({}); }

  void run() {
    for (int i = 0; i < kSteps; ++i) {
      step();
      if (deleted_) return;
      note();
    }
    settle();
    oracle_.check(fixture_);
    finish_walk();
    if (random_.one_in(4)) return delete_topic();
    stop_and_open(random_.below(4));
    settle();
    oracle_.check(fixture_);
  }

  std::string trace() const { return trace_.text(); }
  // How often what happened where.
  struct Counts {
    std::uint64_t deleted = 0, deleted_at_read = 0, deleted_in_rewrite = 0;
    std::uint64_t log_start_moved_at_disk = 0, rewrites_at_disk = 0, rewrites = 0;
    Counts& operator+=(const Counts& other);
  };
  Counts counts() const {
    Counts counts = counts_;
    counts.deleted = deleted_;
    counts.deleted_at_read = deleted_at_read_;
    counts.deleted_in_rewrite = deleted_in_rewrite_;
    return counts;
  }

 private:
  PartitionRunner& partition() { return fixture_.partition(); }
  void note() { oracle_.note(partition().snapshot()); }
  void say(const std::string& what) { trace_.say((busy_ ? "  meanwhile: " : "") + what); }

  // ---- what goes on

  void step() {
    const std::uint64_t draw = random_.below(100);
    if (draw < 34) return append();
    if (draw < 48) return flush_step();
    if (draw < 58) return alone([this] { background_step(); });
    if (draw < 62) return timers();
    if (draw < 66) return alone([this] { roll(); });
    if (draw < 69) return alone([this] { delete_records(); });
    if (draw < 73) return tick();
    if (draw < 80) return read();
    if (draw < 86) return walk();
    if (draw < 88) return watch();
    if (draw < 90) return configure();
    if (draw < 97) return alone([this] { compact(); });
    return random_.one_in(6) ? delete_topic() : stop_and_open(random_.below(4));
  }

  // While the disk is at work. What waits for somebody else's role or step would wait for ever here.
  void disk_at_work(OperationKind kind, const std::string& path) {
    if (kind == OperationKind::read || kind == OperationKind::unlink) return;
    if (busy_ || quiet_ || path.ends_with(".sync") || !random_.one_in(6)) return;
    decide();
    busy_ = true;
    note();
    other_work();
    // Below a step that waits for a sync nobody else would run it.
    if (alone_) drain_flush();
    note();
    busy_ = false;
  }
  void other_work() {
    // A step under way would be waited for.
    switch (random_.below(alone_ ? 10 : 14)) {
      case 0:
        return tick();
      case 1:
        return configure();
      case 2:
        return walk();
      case 3:
      case 4:
        return read();
      case 10:
      case 11:
        return move_log_start_at_disk();
      case 12:
      case 13:
        return compact_at_disk();
      default:
        return append();
    }
  }

  // Steps that wait for syncs: nothing may be left that holds a role and waits to be run.
  template <class Work>
  void alone(const Work& work) {
    drain_flush();
    alone_ = true;
    work();
    alone_ = false;
    drain_flush();
  }

  // ---- appends

  void append() {
    if (last_sent_ && random_.one_in(6)) return send_again();
    auto send = std::make_shared<Send>();
    send->records.resize(random_.one_in(4) ? 2 : 1);
    for (ModelRecord& record : send->records) {
      record.id = ++last_id_;
      record.key = key_name(random_.below(kKeys));
      if (!random_.one_in(4)) record.value = "v" + std::to_string(record.id) + std::string(random_.below(40), 'x');
    }
    const bool produced = random_.one_in(3);
    std::vector<Condition> conditions;
    if (!produced && random_.one_in(4)) conditions.push_back(make_condition(*send));
    const std::string bytes = encode(*send, produced);
    if (produced) {
      sequence_ += static_cast<std::int32_t>(send->records.size());
      last_sent_ = SentBatch{bytes, send};
    }
    start(bytes, send, std::move(conditions));
    if (produced && !send->taken) new_producer();
  }

  std::string encode(const Send& send, bool produced) const {
    BatchBuilder::Options options;
    if (produced) {
      options.producer_id = producer_;
      options.producer_epoch = 0;
      options.base_sequence = sequence_;
    }
    BatchBuilder builder(Offset(0), options);
    for (std::size_t i = 0; i < send.records.size(); ++i)
      builder.add(Offset(static_cast<std::int64_t>(i)), TimestampMs(send.records[i].id), ByteView(send.records[i].key),
                  send.records[i].value ? std::optional<ByteView>(*send.records[i].value) : std::nullopt);
    std::string bytes;
    REQUIRE_OK(builder.finish(bytes));
    return bytes;
  }

  void send_again() {
    auto send = std::make_shared<Send>();
    send->records = last_sent_->send->records;
    send->original = last_sent_->send->base;
    say("again:");
    start(last_sent_->bytes, send, {});
  }
  void new_producer() {
    producer_ = ProducerId(producer_.value() + 1);
    sequence_ = 0;
    last_sent_.reset();
  }

  Condition make_condition(Send& send) {
    note();
    Condition condition;
    const Offset next = partition().snapshot().next_offset;
    const Oracle::Newest newest = oracle_.newest(send.records[0].key, next);
    switch (random_.below(3)) {
      case 0:
        condition.kind = Condition::Kind::absent;
        send.must_refuse = newest.live();
        break;
      case 1:
        condition.kind = Condition::Kind::exists;
        send.must_refuse = !newest.live();
        break;
      default:
        condition.kind = Condition::Kind::offset;
        condition.offset = random_.one_in(3) ? Offset(static_cast<std::int64_t>(random_.below(20))) : newest.offset;
        send.must_refuse = !newest.record || condition.offset != newest.offset;
        send.may_refuse = newest.may_be_absent;
    }
    return condition;
  }

  void start(const std::string& bytes, const SendPtr& send, std::vector<Condition> conditions) {
    static constexpr Acks kAcks[] = {Acks::all, Acks::all, Acks::one, Acks::none};
    send->acks = kAcks[random_.below(4)];
    if (!send->original) send->base = partition().snapshot().next_offset;
    say("append " + std::to_string(send->records.size()) + " acks " + std::to_string(static_cast<int>(send->acks)) +
        " at " + std::to_string(send->base.value()) + " " + send->records[0].key +
        (conditions.empty() ? "" : " conditional"));
    const SendPtr outer = std::exchange(sending_, send);
    sends_.push_back(send);
    fixture_.start_batch(
        bytes, send->acks, [this, send](AppendResult result) { answered(*send, std::move(result)); },
        std::move(conditions));
    decide();
    sending_ = outer;
  }

  // Nothing else is appended before the batch is in or refused, so the next offset tells.
  void decide() {
    if (!sending_ || sending_->decided) return;
    Send& send = *sending_;
    send.decided = true;
    if (send.original) return;
    const PartitionSnapshot now = partition().snapshot();
    send.taken = now.state != PartitionSnapshot::State::offline &&
                 now.next_offset == send.base + static_cast<std::int64_t>(send.records.size());
    if (!send.taken) return;
    REQUIRE_FALSE(send.must_refuse);
    oracle_.assigned(send.base, send.records);
  }

  void answered(Send& send, AppendResult result) {
    decide();
    REQUIRE_FALSE(send.answer.has_value());
    send.answer = std::move(result);
    const AppendResult& answer = *send.answer;
    INFO("answer: " << (answer.error.ok() ? std::string() : answer.error.error().to_string()));
    if (!answer.error.ok()) {
      if (answer.error.code() == Errc::condition_failed)
        REQUIRE((send.must_refuse || send.may_refuse));
      else if (answer.error.code() == Errc::loading)
        REQUIRE_FALSE(send.taken);
      else
        REQUIRE(stopping_);
      return;
    }
    REQUIRE(answer.duplicate == send.original.has_value());
    REQUIRE(answer.base_offset == send.original.value_or(send.base));
    REQUIRE(answer.last_offset == answer.base_offset + static_cast<std::int64_t>(send.records.size() - 1));
    const PartitionSnapshot now = partition().snapshot();
    if (send.acks == Acks::all) {
      REQUIRE(now.durable_end > answer.last_offset);
      REQUIRE(now.committed_end > answer.last_offset);
      must_survive_ = std::max(must_survive_, answer.last_offset + 1);
    }
    if (send.acks == Acks::one) REQUIRE(now.written_end > answer.last_offset);
    if (send.acks != Acks::none && !send.original) oracle_.told(answer.base_offset, send.records.size());
  }

  // ---- progress

  void flush_step() {
    say("flush step");
    fixture_.flush().run_one();
  }
  void drain_flush() {
    while (fixture_.flush().run_one()) {
    }
  }
  void background_step() {
    say("background step");
    fixture_.background().run_one();
  }
  void timers() {
    say("timers");
    fixture_.flush().run_later();
  }
  void tick() {
    fixture_.clock().advance_ms(static_cast<std::int64_t>(random_.below(1000)));
    say("tick");
    partition().tick();
  }
  void drain_all() {
    alone([this] {
      do {
        drain_flush();
      } while (fixture_.background().run_one() || !fixture_.flush().empty());
    });
  }
  void settle() {
    say("settle");
    drain_all();
    quiet_ = true;
    timers();
    drain_all();
    quiet_ = false;
    note();
    for (const SendPtr& send : sends_) REQUIRE(send->answer.has_value());
    sends_.clear();
    const PartitionSnapshot now = partition().snapshot();
    REQUIRE(now.state == PartitionSnapshot::State::online);
    REQUIRE(now.committed_end == now.next_offset);
    check_watched();
  }

  // ---- readers

  void read() {
    const std::string key = key_name(random_.below(kKeys));
    oracle_.check_lookup(fixture_, key);
    const PartitionSnapshot before = partition().snapshot();
    fetch_from_ = std::max(fetch_from_, before.log_start_offset);
    const auto fetched = partition().fetch(fetch_from_, 200);
    REQUIRE_OK(fetched);
    std::string bytes;
    for (const ByteView piece : fetched->pieces) bytes.append(piece);
    const bool written = config_.read_visibility == ReadVisibility::written;
    for (const auto& stored : decode_records(bytes))
      if (stored.offset >= fetch_from_) oracle_.check_read(stored, written ? before.written_end : before.committed_end);
    fetch_from_ = fetched->next_fetch_offset;
    if (random_.one_in(4)) fetch_from_ = Offset(0);
    if (!random_.one_in(3)) return;
    let_go();
    slow_.segments = fixture_.partition().state().closed;
    slow_.fetched = *fetched;
    slow_.bytes = bytes;
  }
  // What a slow reader has got stays what it was, whatever became of the files.
  void let_go() {
    std::string bytes;
    for (const ByteView piece : slow_.fetched.pieces) bytes.append(piece);
    REQUIRE(bytes == slow_.bytes);
    slow_ = {};
  }

  void walk() {
    if (!walk_) {
      if (partition().snapshot().state != PartitionSnapshot::State::online) return;
      say("replay from the start");
      const auto first = first_replay_position(partition(), PartitionId(0));
      REQUIRE_OK(first);
      walk_ = *first;
      seen_.clear();
      seen_to_ = kNoOffset;
    }
    ReplayFilter filter;
    filter.live_only = true;
    const auto step = advance_replay(partition(), *walk_, filter, 150);
    if (!step.ok()) {
      INFO("replay: " << step.error().to_string());
      REQUIRE((step.code() == Errc::tombstone_horizon_passed || step.code() == Errc::loading));
      if (step.code() == Errc::tombstone_horizon_passed) walk_.reset();
      return;
    }
    note();
    std::string bytes;
    for (const ByteView piece : step->pieces) bytes.append(piece);
    const Offset from = walk_->position;
    for (const auto& stored : decode_records(bytes)) {
      if (stored.offset < from) continue;
      REQUIRE(stored.offset > seen_to_);
      seen_to_ = stored.offset;
      seen_[stored.key] = {stored.offset, stored.value};
    }
    walk_ = step->position;
    if (step->marker) check_seen(step->position.tail_mark);
  }

  // What the replay has shown up to its marker is every key as it was at S_end, or newer.
  void check_seen(Offset mark) {
    say("caught up at " + std::to_string(mark.value()));
    for (std::uint64_t i = 0; i < kKeys; ++i) {
      const Oracle::Newest newest = oracle_.newest(key_name(i), mark);
      if (!newest.record) continue;
      INFO("replayed " << key_name(i) << ", whose newest record below " << mark.value() << " is at "
                       << newest.offset.value());
      const auto seen = seen_.find(key_name(i));
      if (newest.live()) {
        REQUIRE(seen != seen_.end());
        REQUIRE(seen->second.first >= newest.offset);
      } else if (seen != seen_.end() && seen->second.second) {
        REQUIRE(seen->second.first > newest.offset);
      }
    }
    // Everything committed when the walk ended lies below the mark.
    REQUIRE(mark >= walk_->walk_end);
  }
  void finish_walk() {
    for (int i = 0; i < 1000; ++i) {
      walk();
      if (walk_ && walk_->phase == ReplayPhase::tail && walk_->position >= partition().snapshot().committed_end) return;
    }
    FAIL("the replay does not end");
  }

  void watch() {
    if (watch_ || partition().snapshot().state != PartitionSnapshot::State::online) return;
    say("watch");
    std::vector<std::string> names;
    for (std::uint64_t i = 0; i < kKeys; ++i) names.push_back(key_name(i));
    const std::vector<ByteView> keys(names.begin(), names.end());
    const auto generation = watch_generation_;
    auto started = partition().watch(keys, [this, generation](Result<std::vector<KeyChange>> news) {
      if (!news.ok() || generation != watch_generation_) return;
      for (const KeyChange& change : *news) {
        if (change.expired) continue;
        Offset& last = watched_[change.watch_index];
        REQUIRE(change.offset > last);
        REQUIRE(change.offset < partition().snapshot().committed_end);
        last = change.offset;
      }
    });
    REQUIRE_OK(started);
    watch_ = started->id;
    watched_.assign(kKeys, kNoOffset);
    for (std::size_t i = 0; i < kKeys; ++i) watched_[i] = started->current[i].offset;
    watched_from_ = partition().snapshot().committed_end;
  }
  void check_watched() {
    if (!watch_) return;
    for (std::size_t i = 0; i < kKeys; ++i) {
      const Oracle::Newest newest = oracle_.newest(key_name(i), oracle_.committed());
      if (newest.record && newest.offset >= watched_from_) REQUIRE(watched_[i] == newest.offset);
    }
  }

  // ---- structure

  void roll() {
    say("roll");
    REQUIRE_OK(partition().roll());
  }
  void delete_records() {
    note();
    delete_records_below(oracle_.committed());
  }
  void delete_records_below(Offset end) {
    const auto range = static_cast<std::uint64_t>(end - oracle_.log_start());
    const Offset to = oracle_.log_start() + static_cast<std::int64_t>(random_.below(range + 1));
    say("delete records below " + std::to_string(to.value()));
    // When all goes the log is rolled first, which also writes what came meanwhile: nobody else would run its sync.
    const bool rolls = to >= partition().snapshot().next_offset;
    const bool quiet_before = std::exchange(quiet_, quiet_ || rolls);
    const auto moved = partition().delete_records(to);
    quiet_ = quiet_before;
    REQUIRE_OK(moved);
    REQUIRE(partition().snapshot().log_start_offset >= to);
  }
  void configure() {
    say("configure");
    PartitionConfig config = config_;
    config.segment_bytes = static_cast<std::int64_t>(150 + random_.below(600));
    config.delete_retention_ms = static_cast<std::int64_t>(random_.below(1500));
    config.min_compaction_lag_ms = random_.one_in(2) ? 0 : 200;
    partition().configure(config);
  }

  void compact() {
    const CompactionMode mode = random_.one_in(2) ? CompactionMode::forced : CompactionMode::background;
    say(mode == CompactionMode::forced ? "compact" : "compact what is due");
    bool closed = false;
    std::thread closer;
    const auto pace = [&](std::uint64_t, std::uint64_t) -> Status {
      if (!random_.one_in(2) || closed) return {};
      note();
      const std::uint64_t draw = random_.below(40);
      if (draw == 0) {
        closed = true;
        deleted_in_rewrite_ = random_.one_in(2);
        if (deleted_in_rewrite_) mark_deleted();
        close_meanwhile(closer);
      } else if (draw == 1) {
        return Error{Errc::cancelled, "the test stops the rewrite"};
      } else {
        between_groups(draw);
      }
      return {};
    };
    const auto done = compactor_->run_due(mode, pace);
    if (closer.joinable()) closer.join();
    if (done.ok()) counts_.rewrites += done->rewrites;
    say(done.ok() ? "  " + std::to_string(done->rewrites) + " rewrites" : "  " + done.error().to_string());
    if (!done.ok())
      REQUIRE((done.code() == Errc::cancelled || done.code() == Errc::shutting_down ||
               (closed && (done.code() == kClosed.code || done.code() == kDeleted.code))));
    if (closed) deleted_ ? files_gone() : after_close();
  }
  void between_groups(std::uint64_t draw) {
    drain_flush();
    switch (draw % 8) {
      case 0:
        return background_step();
      case 1:
        return delete_records();
      case 2:
        return roll();
      case 3:
        return tick();
      case 4:
        return read();
      case 5:
        return walk();
      default:
        append();
        drain_flush();
    }
  }

  // No segment goes: before one does, a snapshot of the producers must be certain, which waits for a sync.
  void move_log_start_at_disk() {
    note();
    const Offset first_ends = partition().segments().front().next_offset;
    if (first_ends - 1 <= oracle_.log_start()) return;
    ++counts_.log_start_moved_at_disk;
    delete_records_below(std::min(first_ends - 1, oracle_.committed()));
  }
  // A whole run while an append or a sync waits for the disk; nothing comes in between.
  void compact_at_disk() {
    say("compact");
    const auto done =
        compactor_->run_due(CompactionMode::forced, [](std::uint64_t, std::uint64_t) -> Status { return {}; });
    REQUIRE_OK(done);
    counts_.rewrites_at_disk += done->rewrites;
  }

  // ---- stops

  void opened() {
    fixture_.disk().meanwhile([this](OperationKind kind, const std::string& path) { disk_at_work(kind, path); });
    compactor_.emplace(fixture_.partition(), Compactor::Options{0, 0, 200, 0});
  }

  // The topic goes while a rewrite is at it: the close waits for the rewrite, which sees it and takes its files away.
  void close_meanwhile(std::thread& closer) {
    say("close during the rewrite");
    do {
      drain_flush();
    } while (fixture_.background().run_one() || !fixture_.flush().empty());
    note();
    stopping_ = true;
    fixture_.disk().meanwhile({});
    const bool remove_too = deleted_ && random_.one_in(2);
    closer = std::thread([this, remove_too] {
      partition().close(deleted_ ? kDeleted : kClosed);
      if (remove_too) removed_ = data_->remove_partition(kDirectory);
    });
    while (!fixture_.partition().stopping()) std::this_thread::yield();
  }
  // Whoever comes late finds nobody, and nothing of the files changes any more.
  void after_close() {
    let_go();
    fixture_.background().run_all();
    const std::size_t changes = fixture_.disk().change_count();
    for (const std::string& path : fixture_.disk().paths()) REQUIRE_FALSE(path.ends_with(".tmp"));
    const Offset certain = oracle_.written();
    append();
    REQUIRE(sends_.back()->answer.has_value());
    REQUIRE_FALSE(sends_.back()->answer->error.ok());
    for (const SendPtr& send : sends_) REQUIRE(send->answer.has_value());
    tick();
    drain_flush();
    fixture_.background().run_all();
    fixture_.flush().run_later();
    (void)compactor_->run_due(CompactionMode::forced, [](std::uint64_t, std::uint64_t) -> Status { return {}; });
    REQUIRE(fixture_.disk().change_count() == changes);
    reopen(certain, [this] {
      fixture_.kill();
      fixture_.open_only();
    });
  }

  template <class Open>
  void reopen(Offset certain, const Open& open, bool power_loss = false) {
    fixture_.disk().meanwhile({});
    ++watch_generation_;
    watch_.reset();
    sends_.clear();
    let_go();
    open();
    stopping_ = false;
    if (random_.one_in(2)) fixture_.run_all();
    new_producer();
    oracle_.reopened(fixture_, certain, power_loss);
    REQUIRE(partition().snapshot().next_offset >= must_survive_);
    fetch_from_ = Offset(0);
    // A reader comes back with its token.
    if (walk_ &&
        (config_.read_visibility == ReadVisibility::written || !resume_replay_position(partition(), true, *walk_).ok()))
      walk_.reset();
    opened();
  }

  void stop_and_open(std::uint64_t how) {
    if (how == 0) {
      say("kill");
      reopen(oracle_.written(), [this] {
        fixture_.kill();
        fixture_.open_only();
      });
    } else if (how == 1) {
      static constexpr CrashProfile kProfiles[] = {CrashProfile::prefix, CrashProfile::ordered, CrashProfile::worst};
      CrashState crash = CrashStates::random_now(fixture_.disk(), kProfiles[random_.below(3)], random_.next());
      say(crash.description);
      reopen(
          oracle_.committed(), [&] { fixture_.power_loss(std::move(crash.image)); }, true);
    } else {
      say("close");
      settle();
      stopping_ = true;
      fixture_.disk().meanwhile({});
      partition().close(kClosed);
      after_close();
    }
    note();
  }

  // ---- deletion

  // Marked while everything goes on, closed, and its files removed while those come who do not know yet.
  void delete_topic() {
    mark_deleted();
    for (std::uint64_t i = random_.below(4); i > 0; --i) alone([this] { other_work(); });
    drain_all();
    note();
    if (random_.one_in(2)) {
      close_under_readers();
    } else {
      close_deleted();
    }
    files_gone();
  }
  void mark_deleted() {
    say("delete the topic");
    quiet_ = true;
    auto data = DataDirectory::open(fixture_.disk().root(), "boot");
    REQUIRE_OK(data);
    data_ = *std::move(data);
    quiet_ = false;
    REQUIRE_OK(data_->mark_deleted(kDirectory));
    deleted_ = true;
  }
  void close_deleted() {
    stopping_ = true;
    fixture_.disk().meanwhile({});
    partition().close(kDeleted);
    if (random_.one_in(2)) remove_files();
  }
  // The first of these that waits for the disk finds, when it goes on, that all is gone.
  void close_under_readers() {
    say("under readers");
    // Idle, so that what is in memory goes and the readers need the disk.
    for (int i = 0; i < 2; ++i) partition().tick();
    drain_all();
    note();
    bool closed = false;
    fixture_.disk().meanwhile([&](OperationKind kind, const std::string&) {
      if (kind != OperationKind::read || closed) return;
      closed = deleted_at_read_ = true;
      say("at a read");
      close_deleted();
    });
    for (std::uint64_t i = 0; i < kKeys && !closed; ++i) late_get(key_name(i));
    if (!closed) late_fetch(Offset(0));
    if (!closed) late_walk();
    if (!closed) close_deleted();
  }
  void remove_files() {
    fixture_.disk().meanwhile([this](OperationKind kind, const std::string&) {
      if (busy_ || kind == OperationKind::read || !random_.one_in(3)) return;
      busy_ = true;
      late_work();
      busy_ = false;
    });
    removed_ = data_->remove_partition(kDirectory);
    fixture_.disk().meanwhile({});
  }
  void files_gone() {
    if (!removed_) remove_files();
    REQUIRE_OK(*removed_);
    for (int i = 0; i < 10; ++i) late_work();
    let_go();
    compactor_.reset();
    drain_flush();
    fixture_.background().run_all();
    fixture_.flush().run_later();
    for (const SendPtr& send : sends_) REQUIRE(send->answer.has_value());
    for (const std::string& path : fixture_.disk().paths()) REQUIRE_FALSE(path.starts_with(kDirectory));
    REQUIRE(data_->list_partitions()->empty());
  }
  void late_work() {
    switch (random_.below(9)) {
      case 0:
        append();
        REQUIRE(sends_.back()->answer.has_value());
        REQUIRE_FALSE(sends_.back()->answer->error.ok());
        return;
      case 1:
        return late_get(key_name(random_.below(kKeys)));
      case 2:
        return late_fetch(fetch_from_);
      case 3:
        return late_walk();
      case 4:
        return tick();
      case 5:
        return configure();
      case 6:
        return let_go();
      case 7:
        return timers();
      default:
        return background_step();
    }
  }
  Offset visible() const {
    return config_.read_visibility == ReadVisibility::written ? oracle_.written() : oracle_.committed();
  }
  // Right, or an error.
  void late_get(const std::string& key) {
    const Oracle::Newest newest = oracle_.newest(key, visible());
    const Got got = fixture_.get(key);
    INFO("late lookup of " << key << " " << got.error.to_string());
    if (got.status == LookupAnswer::Status::failed) return;
    if (got.status != LookupAnswer::Status::found) {
      REQUIRE_FALSE(newest.live());
      return;
    }
    REQUIRE(newest.live());
    REQUIRE(got.offset == newest.offset);
    REQUIRE(got.value == *newest.record->value);
  }
  void late_fetch(Offset from) {
    const Offset end = visible();
    const auto fetched = partition().fetch(std::max(from, oracle_.log_start()), 1000);
    if (!fetched.ok()) return;
    std::string bytes;
    for (const ByteView piece : fetched->pieces) bytes.append(piece);
    for (const auto& stored : decode_records(bytes))
      if (stored.offset >= oracle_.log_start()) oracle_.check_read(stored, end);
  }
  void late_walk() {
    ReplayFilter filter;
    filter.live_only = true;
    const Offset end = visible();
    const auto step = advance_replay(partition(), walk_.value_or(ReplayPosition()), filter, 150);
    if (!step.ok()) return;
    std::string bytes;
    for (const ByteView piece : step->pieces) bytes.append(piece);
    for (const auto& stored : decode_records(bytes))
      if (stored.offset >= oracle_.log_start()) oracle_.check_read(stored, end);
  }

  Random random_;
  Trace trace_{kTraceKept};
  const PartitionConfig config_;
  PartitionFixture fixture_;
  Oracle oracle_;
  std::optional<Compactor> compactor_;
  bool busy_ = false;   // something goes on while the disk is at work
  bool quiet_ = false;  // nothing does
  bool alone_ = false;  // a step that waits for syncs is under way
  std::atomic<bool> stopping_{false};
  std::unique_ptr<DataDirectory> data_;  // from the topic's deletion on
  bool deleted_ = false, deleted_at_read_ = false, deleted_in_rewrite_ = false;
  std::optional<Status> removed_;
  Counts counts_;

  // A reader that takes its time.
  struct Slow {
    std::vector<CompactionSegment> segments;
    FetchedBatches fetched;
    std::string bytes;
  };
  Slow slow_;

  SendPtr sending_;  // inside start_batch
  std::vector<SendPtr> sends_;
  std::int64_t last_id_ = 1'000'000;
  ProducerId producer_{100};
  std::int32_t sequence_ = 0;
  std::optional<SentBatch> last_sent_;
  Offset must_survive_;

  Offset fetch_from_;
  std::optional<ReplayPosition> walk_;
  std::map<std::string, std::pair<Offset, std::optional<std::string>>> seen_;
  Offset seen_to_ = kNoOffset;
  std::optional<PartitionRunner::WaitId> watch_;
  int watch_generation_ = 0;
  std::vector<Offset> watched_;
  Offset watched_from_;
};

Schedule::Counts& Schedule::Counts::operator+=(const Counts& other) {
  deleted += other.deleted;
  deleted_at_read += other.deleted_at_read;
  deleted_in_rewrite += other.deleted_in_rewrite;
  log_start_moved_at_disk += other.log_start_moved_at_disk;
  rewrites_at_disk += other.rewrites_at_disk;
  rewrites += other.rewrites;
  return *this;
}

}  // namespace

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr std::uint64_t kSeeds = 100;
#else
constexpr std::uint64_t kSeeds = 2000;
#endif

TEST_CASE("whatever goes on at whatever await point, the partition is what a list of its records says", "[schedule]") {
  const std::uint64_t first = test_seed();
  const std::uint64_t rounds = from_environment("LOGCASK_TEST_ROUNDS", kSeeds);
  Schedule::Counts all;
  for (std::uint64_t i = 0; i < rounds; ++i) {
    const std::uint64_t seed = first + i;
    INFO("seed " << seed << "; LOGCASK_TEST_SEED=" << seed << " LOGCASK_TEST_ROUNDS=1 runs it alone");
    Schedule schedule(seed);
    try {
      schedule.run();
      all += schedule.counts();
    } catch (...) {
      std::cerr << "seed " << seed << ", the last steps:" << schedule.trace() << "\n";
      throw;
    }
  }
  std::cout << "schedules: " << rounds << "; topics deleted " << all.deleted << ", under a read " << all.deleted_at_read
            << ", under a rewrite " << all.deleted_in_rewrite
            << "; while an append or a sync waits for the disk: log start moves " << all.log_start_moved_at_disk
            << ", rewrites " << all.rewrites_at_disk << "; other rewrites " << all.rewrites << "\n";
  if (rounds < 1000) return;
  CHECK(all.deleted > rounds / 10);
  CHECK(all.deleted_at_read > rounds / 20);
  CHECK(all.deleted_in_rewrite > rounds / 100);
  CHECK(all.log_start_moved_at_disk > rounds / 10);
  CHECK(all.rewrites_at_disk > rounds / 20);
  CHECK(all.rewrites > rounds / 2);
}
