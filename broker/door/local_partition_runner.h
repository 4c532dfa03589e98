#pragma once
// The door to a partition that lives in this process (see partition_runner.h for the rules).
//
// Roles: at any time at most one thread writes the log and at most one syncs it; a roll takes both roles. A role is a
// flag under the lock, taken by whoever finds work and no holder; the holder does its disk work without the lock.
// Commits are published by the holder of the sync role only, so watchers hear of changes in offset order. Structure
// changes (checkpoint, install, retention) hold a LogStructure::Step, taken before the lock.

#include <atomic>
#include <condition_variable>
#include <deque>

#include "broker/door/append_hold.h"
#include "broker/door/key_watchers.h"
#include "broker/door/offset_waiters.h"
#include "broker/door/partition_runner.h"
#include "broker/threads/executor.h"
#include "partition/compaction_port.h"
#include "partition/keydir_loader.h"
#include "partition/log_structure.h"
#include "partition/partition.h"
#include "partition/view_read.h"

namespace logcask {

// What a partition's door needs from the broker; everything outlives it.
struct RunnerEnvironment {
  std::string name;  // "topic-0", for messages
  PartitionEnvironment partition;
  RecoveryOptions recovery;
  Executor* flush = nullptr;       // syncs: few threads that block on the disk
  Executor* background = nullptr;  // loading, checkpoints, retention
  // Told once about things an operator must hear: latched, quarantined, damage found.
  std::function<void(const std::string& what)> alarm;
  std::function<void()> compaction_wanted;  // something may have become due
};

class LocalPartitionRunner final : public PartitionRunner, public CompactionPort {
 public:
  // Recovers the log (blocking) and starts loading the keydir in the background. A partition that cannot be opened is
  // still a runner: offline, with the reason. `report` gets what recovery did.
  static std::shared_ptr<LocalPartitionRunner> open(RunnerEnvironment environment, const PartitionConfig& config,
                                                    std::string& report);
  ~LocalPartitionRunner() override;
  // What the opening came to; after an error the runner is offline.
  const Status& opening() const { return opening_; }

  bool append(PreparedBatch batch, Acks acks, std::function<void(AppendResult)> done) override;
  bool congested() const override;
  Result<FetchedBatches> fetch(Offset from, std::size_t max_bytes) override;
  std::vector<EpochStart> epochs() const override;
  std::shared_ptr<const RunHistory> runs() const override;
  Status check_position(RunId run, Offset position) const override;
  WaitId wait_visible_above(Offset offset, std::function<void(Status)> ready) override;
  void cancel_wait(WaitId id) override;
  Result<std::optional<TimedOffset>> offset_for_time(TimestampMs t) override;
  void get(const LookupKeys& keys, bool keys_only, const LookupSink& sink) override;
  Status newest(std::span<const KeyIdentity> identities, std::span<KeyState> out) override;
  bool is_repeat(const BatchHeader& header) const override;
  Result<WatchStart> watch(const LookupKeys& keys,
                           std::function<void(Result<std::vector<KeyChange>>)> on_change) override;
  Result<Offset> replay_bound() const override;
  Result<Offset> replay_mark(Offset from, Offset mark) const override;
  Result<FilteredBatches> fetch_filtered(Offset from, Offset end, const ReplayFilter& filter,
                                         std::size_t max_bytes) override;
  PartitionMarks marks() const override;
  PartitionSnapshot snapshot() const override;
  std::vector<ProducerTail> producers() const override;
  std::vector<SegmentReport> segments() const override;
  Result<Offset> delete_records(Offset before) override;
  void configure(const PartitionConfig& config) override;
  bool place_if_empty(std::uint32_t placement) override;
  Result<KeyScan> scan_keys(const std::function<Status()>& keep_going) override;
  Status become_compacted(const PartitionConfig& config) override;
  Status flush() override;
  void close(const Error& reason) override;
  void abandon(const Error& reason) override;
  void stop_writes(const Error& why) override;
  Result<std::string> reopen() override;
  void wait_loaded(std::int64_t at_most_ms) override;
  bool may_open_later() const override;
  void tick() override;
  Status roll() override;  // of PartitionRunner and CompactionPort
  Result<LogPin> pin_log() override;

  CompactionState state() const override;
  std::shared_ptr<SegmentEnvironment> environment() override { return environment_.partition.segments; }
  std::shared_ptr<Directory> directory() override { return environment_.partition.directory; }
  const KeyHasher& hasher() override { return *environment_.partition.hasher; }
  const Clock& clock() override { return *environment_.partition.clock; }
  std::vector<ProducerTail> producer_tails() override;
  Status begin_rewrite(Offset from, Offset to) override;
  void probe(std::span<const KeyIdentity> identities, std::span<const Offset> offsets, Offset probed_up_to,
             std::span<ProbeAnswer> answers) override;
  Status install(RewriteResult result) override;
  void abandon_rewrite() override;
  Status note_compacted(std::span<const SegmentName> segments, Offset through) override;
  Status checkpoint() override;
  void note_look(CompactionLook look) override;
  void quarantine(const std::string& reason) override;
  bool stopping() const override { return closing_.load(std::memory_order_relaxed); }

 private:
  using Lock = std::unique_lock<std::mutex>;
  struct WaitingAppend {
    PreparedBatch batch;
    Acks acks;
    std::function<void(AppendResult)> done;
    std::string bytes;  // of the batch, once it waits; never short enough to move with the string
  };

  // A structure change of the log that is open now; a reopen waits for it, and it never meets a log opened since.
  struct OpenStep {
    explicit OpenStep(std::shared_ptr<LogStructure> of) : structure(std::move(of)), step(*structure) {}
    std::shared_ptr<LogStructure> structure;
    LogStructure::Step step;
  };

  LocalPartitionRunner(RunnerEnvironment environment, const PartitionConfig& config);
  Result<std::unique_ptr<OpenStep>> begin_step();
  std::shared_ptr<LogStructure> current_structure() const;
  void shut_log(const Error& reason);
  Result<std::string> open_log(bool settle_clock);
  std::optional<Error> unavailable() const;  // under the lock
  PartitionMarks marks_now() const;          // under the lock

  // append and write
  void admit(WaitingAppend append, Outbox& out);
  static void keep_bytes(WaitingAppend& append);
  void admit_waiting(Outbox& out);
  bool must_wait() const;  // under the lock: an append finds no room, or is held
  void let_waiting_in();
  bool take_writer();  // under the lock
  void write_rounds();
  bool write_once();
  Status roll_log(Lock& lock);

  // sync and commit
  void want_sync();                        // under the lock
  bool somebody_waits_for_a_sync() const;  // under the lock
  bool take_sync_request();
  void start_sync();
  // Settling has to wait for a flush thread where others wait for this one.
  enum class SettleOn : std::uint8_t { this_thread, flush_thread };
  void run_sync(SettleOn settle_on);
  void commit(Lock& lock);
  void publish_commit(Outbox& out);
  Status wait_committed();
  Status wait_committed(Offset end);
  void note_unsynced();
  void arm_flush_timer();
  void settle(SegmentWriter& writer);
  void latch_with(const SegmentWriter& writer);
  // Unless the partition writes elsewhere by now; null: wherever it writes.
  void stop_writes_of(const SegmentWriter* writer, const Error& why);
  static bool passes(Errc code);  // the write's error left the log as it was: no room, no descriptor
  void latch(const Error& error, Outbox& out);
  void alarm(std::string what, Outbox& out);
  void note_full(const Error& error, Outbox& out);
  void note_room(Outbox& out);

  // read
  std::optional<Error> lookup_error() const;
  Error noticed(Error error, const PartitionTroubles::Read& read);
  void read_damage_again(const std::vector<PartitionTroubles::Read>& reads);
  Result<Offset> read_batches(const LogView& view, Offset from, std::size_t max_bytes, ByteBuffer& batches);
  Result<FilteredBatches> fetch_filtered_once(Offset from, Offset end, const ReplayFilter& filter,
                                              std::size_t max_bytes);
  void probe_visible(std::span<const KeyIdentity> identities, std::span<std::optional<KeydirEntry>> entries);
  Offset best_known(const KeyIdentity& identity) const;
  Offset skip_dead_segments(Offset from, const LogView& view) const;
  Result<Offset> visible_end_now() const;
  bool collided(const KeyIdentity& identity) const;
  void probe_live(std::span<const KeyIdentity> identities, std::span<const Offset> offsets,
                  std::vector<bool>& live) const;
  template <std::size_t kMost>
  void get_chunk(const LookupKeys& keys, std::size_t first, bool keys_only, const LookupSink& sink);
  void answer_lookup(ByteView key, const KeyIdentity& identity, ViewLookup& log, SegmentLookup::Place& place,
                     bool keys_only, std::size_t index, const LookupSink& sink);

  // compaction
  bool too_much_garbage() const;  // under the lock
  void remove_dropped(std::span<const DroppedTombstone> dropped, Offset horizon);
  void publish_install(const RewriteResult& result, Offset horizon, const LogStructure::Step& step);
  Status store_step(LogStructure::Step& step, const std::function<void(Manifest&)>& change);

  // background
  void load_keydir();
  void want_checkpoint();   // under the lock
  void start_background();  // under the lock
  void run_background();
  Status run_checkpoint();
  class LoadSink;
  void note_loaded(const Segment& segment, const SegmentLoad& loaded);  // under the lock
  void write_hints();
  Status write_hint(const std::shared_ptr<const Segment>& segment, const HintExtent& extent);
  Result<std::string> store_producer_snapshot(Offset& covered, std::uint64_t& digest);
  Status final_checkpoint();
  Status store_checkpoint(LogStructure::Step& step);
  Offset due_through_now() const;  // under the lock
  void note_expired_keys(Offset log_start);
  void apply_retention();
  void roll_if_all_goes(Offset before);
  Result<Offset> advance_log_start(Offset to);
  void check_active_file();
  void rest_files();
  bool idle() const;  // nobody holds a role; under the lock
  void wait_until_idle(Lock& lock);

  const RunnerEnvironment environment_;
  Status opening_;  // set once, before anybody else sees the runner
  mutable std::mutex mutex_;
  std::condition_variable idle_;  // a role was given back
  std::atomic<bool> closing_{false};

  // Guarded by mutex_.
  PartitionConfig config_;
  std::unique_ptr<Partition> partition_;  // none while offline
  std::shared_ptr<LogStructure> structure_;
  bool background_active_ = false;  // the background role: loading, checkpoints, retention
  std::optional<Error> offline_;
  bool was_open_ = false;        // only the first opening may create the partition
  bool may_open_later_ = false;  // offline for a reason that may pass
  bool writer_active_ = false;
  bool sync_active_ = false;
  bool sync_requested_ = false;
  bool writer_waits_for_sync_ = false;
  bool flush_timer_armed_ = false;
  bool checkpoint_wanted_ = false;
  std::deque<WaitingAppend> waiting_appends_;
  std::size_t waiting_append_bytes_ = 0;
  AppendHold hold_;
  OffsetWaiters written_waiters_;
  OffsetWaiters committed_waiters_;
  OffsetWaiters visible_waiters_;
  KeyWatchers watchers_;
  std::uint64_t collisions_ = 0;
  std::optional<std::string> quarantined_;
  PartitionTroubles troubles_;
  std::string recovery_report_;
  double loading_progress_ = 0;
  Offset load_extent_base_;  // base of the segment that was active at opening, and how far it reached then
  HintExtent load_extent_;
  KeydirLoadReport load_report_;
  std::uint64_t hint_spill_at_ = 0;  // position of the active segment that wants the next partial hint
  std::optional<std::pair<Offset, Offset>> rewriting_;
  Offset clean_through_;       // as of the last manifest step
  Offset producers_saved_to_;  // by the snapshot that the manifest names
  std::vector<CleanThrough> clean_through_list_;
  Offset last_tick_end_;  // next_offset at the last tick: tells a quiet partition
  int quiet_ticks_ = 0;
  int damage_ticks_ = 0;
};

}  // namespace logcask
