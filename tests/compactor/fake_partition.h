#pragma once
// A partition as small as can be behind the compactor's port: real segments in a memory file system, a keydir that is
// a map, the real counts and clean_through rules, and the truth beside it: every record ever appended.

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "partition/clean_through.h"
#include "partition/compaction_port.h"
#include "partition/keydir_loader.h"
#include "tests/partition/keyed_log.h"

namespace logcask::testing {

struct ManualClock : Clock {
  std::int64_t now_ms = 1'000'000;
  TimestampMs wall_ms() const override { return TimestampMs(now_ms); }
  std::int64_t monotonic_ns() const override { return now_ms * 1'000'000; }
};

class FakePartition : public CompactionPort {
 public:
  struct Record {
    std::string key;
    std::optional<std::string> value;
  };

  FakePartition() { start_active(Offset(0)); }

  // ---- what producers do
  Offset put(const std::string& key, std::optional<std::string> value) { return put_batch({{key, std::move(value)}}); }
  // One batch, committed at once unless hold_commits is set. Returns the first offset.
  Offset put_batch(const std::vector<KeyValue>& records,
                   const BatchBuilder::Options& options = BatchBuilder::Options()) {
    const Offset base = active_->facts().next_offset;
    active_->append(records, options, TimestampMs(clock_.now_ms));
    Offset offset = base;
    for (const KeyValue& record : records) {
      truth[offset] = {record.key, record.value};
      SegmentStats& stats = *stats_.find(offset);
      ++stats.records;
      stats.tombstones += !record.value;
      offset += 1;
    }
    if (!hold_commits) commit();
    return base;
  }
  void commit() {
    for (const auto& [offset, record] : truth) {
      if (offset < committed_end) continue;
      const bool deleted = !record.value;
      const auto found = keydir.find(test_hasher().identity(record.key));
      if (found == keydir.end()) {
        keydir[test_hasher().identity(record.key)] = {offset, deleted};
        stats_.on_raise(offset, deleted, {RaiseResult::inserted, {}});
      } else {
        stats_.on_raise(offset, deleted, {RaiseResult::raised, found->second});
        found->second = {offset, deleted};
      }
    }
    committed_end = active_->facts().next_offset;
  }
  // `hole`: offsets skipped behind the closed segment, as after a restart.
  void close_active(std::int64_t hole = 0) {
    if (active_->facts().records == 0) return;
    const auto segment = active_->close();
    const Offset end = segment->next_offset() + hole;
    closed.push_back({segment, segment->facts(), end, Offset(0), {}, false});
    start_active(end);
    if (!hold_commits) committed_end = end;
  }

  // ---- retention, restart
  void move_log_start(Offset to) {
    log_start = to;
    for (auto it = keydir.begin(); it != keydir.end();) {
      if (it->second.offset >= to) {
        ++it;
        continue;
      }
      stats_.on_remove(it->second);
      it = keydir.erase(it);
    }
  }
  // Forgets the keydir and reads it from hints and logs, as an open does.
  void reload() {
    struct Sink : KeydirLoadSink {
      std::map<KeyIdentity, KeydirEntry> entries;
      Status load(std::span<const KeydirRaise> raises) override {
        for (const KeydirRaise& raise : raises) {
          KeydirEntry& entry = entries[raise.identity];
          if (raise.offset > entry.offset) entry = {raise.offset, raise.deleted};
        }
        return {};
      }
    } sink;
    KeydirLoader loader(files.root(), {&test_hasher(), &clock_, log_start, 1u << 20}, sink);
    for (const CompactionSegment& segment : closed) REQUIRE_OK(loader.load(*segment.segment));
    const SegmentFacts facts = active_->facts();
    REQUIRE_OK(loader.load(*active_->active(), {facts.size_bytes, facts.next_offset, facts.digest}));
    keydir = sink.entries;
    recount();
  }

  // ---- what must always hold
  // The latest record of every key, or nothing.
  std::map<std::string, std::optional<std::string>> model() const {
    std::map<std::string, std::optional<std::string>> latest;
    for (const auto& [offset, record] : truth)
      if (offset >= log_start) latest[record.key] = record.value;
    return latest;
  }
  // Offset -> record of everything on disk below the active segment's end.
  std::map<Offset, Record> on_disk() const {
    std::map<Offset, Record> found;
    const auto walk = [&](const Segment& segment) {
      std::string scratch;
      const Status scanned = segment.scan([&](const ScannedBatch& batch) -> Status {
        const auto records = batch_records(batch.header, batch.bytes, 1u << 20, scratch);
        REQUIRE_OK(records);
        RecordCursor cursor(batch.header, *records);
        RecordView view;
        while (!batch.header.control()) {
          const auto more = cursor.next(view);
          REQUIRE_OK(more);
          if (!*more) break;
          REQUIRE(view.timestamp == TimestampMs(1000 + view.offset.value()));
          REQUIRE(found.count(view.offset) == 0);
          found[view.offset] = {std::string(*view.key),
                                view.value ? std::optional<std::string>(*view.value) : std::nullopt};
        }
        return {};
      });
      REQUIRE_OK(scanned);
    };
    for (const CompactionSegment& segment : closed) walk(*segment.segment);
    walk(*active_->active());
    return found;
  }
  // The final record of every key is there, nothing was invented, deleted keys stay deleted, counts are exact.
  void check() {
    const auto records = on_disk();
    for (const auto& [offset, record] : records) {
      const auto original = truth.find(offset);
      REQUIRE(original != truth.end());
      REQUIRE(original->second.key == record.key);
      REQUIRE(original->second.value == record.value);
    }
    std::map<std::string, std::optional<std::string>> latest;
    for (const auto& [offset, record] : records)
      if (offset >= log_start) latest[record.key] = record.value;
    for (const auto& [key, value] : model()) {
      INFO("key " << key);
      const auto found = latest.find(key);
      if (value) {
        REQUIRE(found != latest.end());
        REQUIRE(found->second == value);
      } else if (found != latest.end()) {
        REQUIRE(!found->second.has_value());
      }
    }
    check_chain();
    check_counts();
  }

  // ---- CompactionPort
  CompactionState state() const override {
    CompactionState state;
    state.config = config;
    state.active_base = active_->facts().name.base;
    state.active_bytes = active_->facts().size_bytes;
    state.committed_end = committed_end;
    state.bound = std::min(committed_end, state.active_base);
    SegmentStatsTable stats = stats_;
    for (CompactionSegment segment : closed) {
      if (clock_.now_ms - segment.facts.last_append.value() < config.min_compaction_lag_ms)
        state.bound = std::min(state.bound, segment.facts.name.base);
      segment.stats = *stats.find(segment.facts.name.base);
      state.closed.push_back(segment);
    }
    state.log_start = log_start;
    state.now = TimestampMs(clock_.now_ms);
    state.due_through = due_through(clean_through, state.now, config.delete_retention_ms);
    state.keydir_complete = keydir_complete;
    state.damaged = damaged;
    state.quarantined = quarantined;
    state.disk_free_bytes = disk_free_bytes;
    return state;
  }
  std::shared_ptr<SegmentEnvironment> environment() override { return environment_; }
  std::shared_ptr<Directory> directory() override { return files.root(); }
  const KeyHasher& hasher() override { return test_hasher(); }
  const Clock& clock() override { return clock_; }
  std::vector<ProducerTail> producer_tails() override { return tails; }

  Status begin_rewrite(Offset from, Offset to) override {
    if (stats_.rewriting()) return Error{Errc::in_use, "a rewrite is under way"};
    stats_.begin_rewrite(from, to);
    last_probed_ = Offset(-1);
    return {};
  }
  void probe(std::span<const KeyIdentity> identities, std::span<const Offset> offsets, Offset probed_up_to,
             std::span<ProbeAnswer> answers) override {
    if (before_probe) before_probe(probed_up_to);
    REQUIRE(identities.size() <= 64);
    REQUIRE(identities.size() == answers.size());
    for (std::size_t i = 0; i < identities.size(); ++i) {
      ProbeAnswer& answer = answers[i];
      answer = {};
      if (const auto found = keydir.find(identities[i]); found != keydir.end()) {
        answer.newest = found->second.offset;
        if (answer.newest == offsets[i]) answer.standing = RecordStanding::newest;
        if (answer.newest > offsets[i]) answer.standing = RecordStanding::superseded;
      }
      if (collided.count(identities[i])) answer.standing = RecordStanding::protected_;
      REQUIRE(offsets[i] > last_probed_);
      last_probed_ = offsets[i];
    }
    stats_.rewrite_probed(probed_up_to);
    if (after_probe) after_probe(probed_up_to);
  }
  Status install(RewriteResult result) override {
    if (before_install) before_install();
    if (install_fails) return *install_fails;
    std::vector<SegmentStats> fresh;
    std::vector<CompactionSegment> added;
    Offset next = result.from;
    for (const RewriteOutput& output : result.outputs) {
      REQUIRE(output.facts.name.base == next);
      REQUIRE(output.end_offset >= output.facts.next_offset);
      next = output.end_offset;
      fresh.push_back({output.facts.name.base, output.facts.records, output.tombstones, output.live_values,
                       output.live_tombstones, output.unindexed_tombstones});
      added.push_back({Segment::closed(environment_, files.root(), output.facts),
                       output.facts,
                       output.end_offset,
                       output.compacted_through,
                       {},
                       true});
    }
    REQUIRE(next == result.to);
    std::set<Offset> dropped;
    for (const DroppedTombstone& tombstone : result.dropped_tombstones) {
      dropped.insert(tombstone.offset);
      horizon = std::max(horizon, tombstone.offset + 1);
    }
    for (const KeydirEntry& superseded : stats_.end_rewrite()) {
      if (dropped.count(superseded.offset)) continue;
      const auto after = std::partition_point(fresh.begin(), fresh.end(),
                                              [&](const SegmentStats& s) { return s.base <= superseded.offset; });
      REQUIRE(after != fresh.begin());
      std::uint64_t& count = superseded.deleted ? (after - 1)->live_tombstones : (after - 1)->live_values;
      REQUIRE(count > 0);
      --count;
    }
    const auto first = std::find_if(closed.begin(), closed.end(),
                                    [&](const CompactionSegment& s) { return s.facts.name == result.inputs.front(); });
    REQUIRE(first != closed.end());
    for (std::size_t i = 0; i < result.inputs.size(); ++i) {
      REQUIRE((first + static_cast<std::ptrdiff_t>(i))->facts.name == result.inputs[i]);
      (first + static_cast<std::ptrdiff_t>(i))->segment->remove_when_unused();
    }
    const auto at = closed.erase(first, first + static_cast<std::ptrdiff_t>(result.inputs.size()));
    closed.insert(at, added.begin(), added.end());
    stats_.replace(result.from, result.to, fresh);
    for (const DroppedTombstone& tombstone : result.dropped_tombstones) {
      const auto found = keydir.find(tombstone.identity);
      if (found != keydir.end() && found->second.offset == tombstone.offset) keydir.erase(found);
    }
    judged_through = result.judged_through;
    ++installs;
    remember_clean_through();
    return {};
  }
  void abandon_rewrite() override {
    if (stats_.rewriting()) (void)stats_.end_rewrite();
  }
  Status note_compacted(std::span<const SegmentName> segments, Offset through) override {
    for (CompactionSegment& segment : closed)
      if (std::find(segments.begin(), segments.end(), segment.facts.name) != segments.end())
        segment.compacted_through = std::max(segment.compacted_through, through);
    ++notes;
    remember_clean_through();
    return {};
  }
  Status checkpoint() override { return {}; }
  void note_look(CompactionLook) override {}
  void quarantine(const std::string& reason) override { quarantined = reason; }
  Status roll() override {
    close_active();
    return {};
  }
  bool stopping() const override { return stop; }

  Offset active_base() const { return active_->facts().name.base; }
  void advance_ms(std::int64_t ms) { clock_.now_ms += ms; }
  std::vector<std::string> log_files() const {
    std::vector<std::string> names;
    for (const std::string& path : files.paths()) {
      const auto parsed = parse_segment_filename(path);
      if (!parsed || parsed->file != SegmentFile::sync) names.push_back(path);
    }
    return names;
  }

  MemoryFileSystem files;
  PartitionConfig config;
  std::map<Offset, Record> truth;
  std::map<KeyIdentity, KeydirEntry> keydir;
  std::set<KeyIdentity> collided;
  std::vector<CompactionSegment> closed;
  std::vector<CleanThrough> clean_through;
  std::vector<ProducerTail> tails;
  Offset committed_end;
  Offset log_start;
  Offset horizon;
  Offset judged_through;  // of the last install
  bool hold_commits = false;
  bool keydir_complete = true;
  bool damaged = false;
  bool stop = false;
  std::optional<std::string> quarantined;
  std::optional<Error> install_fails;
  std::uint64_t disk_free_bytes = std::uint64_t{1} << 40;
  std::function<void(Offset)> before_probe;
  std::function<void(Offset)> after_probe;
  std::function<void()> before_install;
  int installs = 0;
  int notes = 0;

 private:
  void start_active(Offset base) {
    active_ = std::make_unique<KeyedSegment>(files, environment_, base);
    stats_.add({base, 0, 0, 0, 0, 0});
  }
  void remember_clean_through() {
    std::vector<ManifestSegment> segments;
    for (const CompactionSegment& s : closed) segments.push_back({s.facts, s.end_offset, 0, s.compacted_through});
    note_clean_through(clean_through, clean_through_of(segments, active_->facts().name.base),
                       TimestampMs(clock_.now_ms), config.delete_retention_ms);
  }
  // Counts per segment as they must be, from the log and the keydir.
  SegmentStats count(const Segment& segment) const {
    SegmentStats stats;
    stats.base = segment.base();
    std::string scratch;
    const Status scanned = segment.scan([&](const ScannedBatch& batch) -> Status {
      const auto records = batch_records(batch.header, batch.bytes, 1u << 20, scratch);
      REQUIRE_OK(records);
      RecordCursor cursor(batch.header, *records);
      RecordView view;
      while (true) {
        const auto more = cursor.next(view);
        REQUIRE_OK(more);
        if (!*more) break;
        ++stats.records;
        stats.tombstones += view.tombstone();
        const auto found = keydir.find(test_hasher().identity(*view.key));
        if (found != keydir.end() && found->second.offset == view.offset)
          ++(view.tombstone() ? stats.live_tombstones : stats.live_values);
      }
      return {};
    });
    REQUIRE_OK(scanned);
    return stats;
  }
  void recount() {
    std::vector<SegmentStats> all;
    for (const CompactionSegment& segment : closed) all.push_back(count(*segment.segment));
    all.push_back(count(*active_->active()));
    stats_.replace(Offset(0), Offset(INT64_MAX), all);
  }
  void check_counts() {
    for (const CompactionSegment& segment : closed) {
      const SegmentStats expected = count(*segment.segment);
      const SegmentStats& stats = *stats_.find(segment.facts.name.base);
      INFO("segment " << segment.segment->describe());
      REQUIRE(stats.base == expected.base);
      REQUIRE(stats.records == expected.records);
      REQUIRE(stats.tombstones == expected.tombstones);
      REQUIRE(stats.live_values == expected.live_values);
      REQUIRE(stats.live_tombstones == expected.live_tombstones);
    }
  }
  void check_chain() {
    Offset next = closed.empty() ? Offset(0) : closed.front().facts.name.base;
    for (const CompactionSegment& segment : closed) {
      REQUIRE(segment.facts.name.base == next);
      REQUIRE(segment.facts.next_offset <= segment.end_offset);
      next = segment.end_offset;
    }
  }

  ManualClock clock_;
  std::shared_ptr<SegmentEnvironment> environment_ = std::make_shared<SegmentEnvironment>();
  std::unique_ptr<KeyedSegment> active_;
  SegmentStatsTable stats_;
  Offset last_probed_{-1};
};

inline Status no_pace(std::uint64_t, std::uint64_t) { return {}; }

}  // namespace logcask::testing
