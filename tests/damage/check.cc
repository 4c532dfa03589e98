#include "tests/damage/check.h"

#include <algorithm>
#include <optional>
#include <set>

#include "compactor/compactor.h"
#include "tests/damage/spread.h"
#include "tests/support/catch.h"

namespace logcask::testing {
namespace {

using Status_ = LookupAnswer::Status;

bool is_damage(Errc code) {
  return code == Errc::corrupt_range || code == Errc::corrupt_file || code == Errc::corrupt_message ||
         code == Errc::not_found;
}

// "recovered in 3 ms; scanned 700 bytes; ..." without what differs from run to run.
std::string facts_of(const std::string& report) {
  const std::size_t first = report.find("; ");
  return first == std::string::npos ? "" : report.substr(first);
}

std::string at(Offset offset) { return "offset " + std::to_string(offset.value()); }

}  // namespace

const char* outcome_name(Outcome outcome) {
  switch (outcome) {
    case Outcome::harmless:
      return "harmless";
    case Outcome::rebuilt:
      return "rebuilt";
    case Outcome::cut:
      return "cut";
    case Outcome::named_error:
      return "named error";
  }
  return "?";
}

struct Checker::Parts {
  std::unique_ptr<MemoryFileSystem> disk;  // undamaged
  PageArena arena;
  KeyHasher hasher{KeyHasher::Secret{}};
  ManualClock clock;
  std::string sound_report[2];  // by machine_reset
  std::map<std::string, std::string> sound_files[2];
  std::map<Offset, const PartitionFixture::Stored*> records;
  std::map<std::string, LogLayout> layouts;  // of the logs
  std::vector<Offset> last_batches;          // where DataSet::last_batches lie

  Spread spread(const std::string& path, const std::optional<std::string>& content, bool open) const {
    const auto layout = layouts.find(path);
    return layout == layouts.end() ? Spread() : layout->second.spread(content, open);
  }
};

// One image.
class Checker::Run {
 public:
  Run(const DataSet& set, Parts& parts, std::unique_ptr<MemoryFileSystem> disk, std::string path, Spread spread)
      : set_(set),
        parts_(parts),
        disk_(std::move(disk)),
        path_(std::move(path)),
        spread_(std::move(spread)),
        cut_(set.end) {}
  ~Run() { kill(); }

  void open(bool machine_reset) {
    RunnerEnvironment environment;
    environment.name = "t-0";
    environment.partition.segments = std::make_shared<SegmentEnvironment>();
    environment.partition.directory = disk_->root();
    environment.partition.clock = &parts_.clock;
    environment.partition.hasher = &parts_.hasher;
    environment.partition.arena = &parts_.arena;
    environment.partition.budget = &budget_;
    environment.recovery.machine_reset = machine_reset;
    environment.recovery.writer.preallocate_bytes = 0;
    environment.flush = &flush_;
    environment.background = &background_;
    environment.alarm = [this](const std::string& what) { alarms_ += "; " + what; };
    runner_ = LocalPartitionRunner::open(std::move(environment), set_.config, report_);
    run_all();
    if (refused_without_sync_log()) {
      ++errors_;
      first_error_ = report_;
      kill();
      disk_->set_content(path_, "");
      open(machine_reset);
    }
  }
  // Nothing says then whose the log is. The mend that the refusal names gives everything back.
  bool refused_without_sync_log() const {
    return path_.ends_with(".sync") && !disk_->content(path_) && report_.starts_with("foreign_file") &&
           report_.find(path_) != std::string::npos && report_.find("an empty file in place") != std::string::npos;
  }
  // What no sync has covered may be cut off without a trace.
  void is_shorter() { shorter_ = true; }
  void kill() {
    flush_.drop_all();
    background_.drop_all();
    runner_.reset();
  }
  void run_all() {
    while (flush_.run_one() || background_.run_one()) {
    }
  }

  void read_all() {
    const PartitionSnapshot snapshot = runner_->snapshot();
    if (snapshot.state != PartitionSnapshot::State::online)
      return broke("the partition is not online: " + snapshot.reason);
    if (snapshot.next_offset < set_.promised_end) broke("offsets are given again from " + at(snapshot.next_offset));
    if (snapshot.log_start_offset != set_.log_start) broke("log start moved to " + at(snapshot.log_start_offset));
    fetch(snapshot.committed_end);
    lookups();
    replay(snapshot.committed_end);
    by_time();
  }

  // Everything that can go goes; where it meets damage nothing does.
  void compact() {
    if (runner_->snapshot().state != PartitionSnapshot::State::online) return;  // read_all() tells
    compacted_ = true;
    Compactor compactor(*runner_, {64u << 20, 1u << 30, 32 * 1024, 0});
    for (int i = 0; i < 2; ++i) {
      const auto done =
          compactor.run_due(CompactionMode::forced, [](std::uint64_t, std::uint64_t) { return Status(); });
      if (!done.ok()) error(done.error());
      run_all();
      parts_.clock.advance_ms(2000);
    }
  }

  // Each producer's last batch is known, and a new record goes in and is found.
  void write() {
    if (!broken_.empty()) return;
    repeat_all();
    const Offset end = runner_->snapshot().next_offset;
    const AppendResult answer = append(make_batch({{"fresh", "1", {}}}));
    if (!answer.error.ok()) return broke("an append fails: " + answer.error.error().to_string());
    if (answer.base_offset < end || answer.base_offset < set_.promised_end)
      broke("an offset is given again: " + at(answer.base_offset));
    fresh_ = answer.base_offset;
    read_fresh();
  }
  void repeat_all() {
    if (!broken_.empty()) return;
    for (std::size_t i = 0; i < set_.last_batches.size(); ++i) repeat(set_.last_batches[i], parts_.last_batches[i]);
  }
  void read_fresh() {
    if (fresh_ == kNoOffset) return;
    const auto got = get("fresh");
    if (got.status == Status_::failed)
      return broke("a record written since the damage is refused: " + got.error.to_string());
    if (got.status != Status_::found || got.offset != fresh_ || got.value != "1")
      broke("the record appended to the damaged log is not found");
  }

  Verdict verdict(const std::string& sound_report, const std::map<std::string, std::string>& sound_files) {
    Verdict verdict;
    verdict.broken = broken_;
    verdict.detail =
        "report: " + report_ + alarms_ + "; errors: " + std::to_string(errors_) + ", first: " + first_error_;
    if (errors_ > 0) {
      verdict.outcome = Outcome::named_error;
    } else if (cut_ < set_.end) {
      verdict.outcome = Outcome::cut;
    } else if (noticed_ || facts_of(first_report_) != facts_of(sound_report) || mended(sound_files)) {
      verdict.outcome = Outcome::rebuilt;
    }
    return verdict;
  }
  // After reads: indexes are made anew by the first one.
  void note_first_open(const std::optional<std::string>& damaged) {
    first_report_ = report_;
    noticed_ = !alarms_.empty();
    damaged_ = damaged;
    const auto now = disk_->content(path_);
    if (now) after_open_ = *now;
  }
  const std::string& report() const { return report_; }
  MemoryFileSystem& disk() { return *disk_; }

 private:
  // Opening wrote the file as it should be, or a file anew that opening leaves alone when it is sound.
  bool mended(const std::map<std::string, std::string>& sound_files) const {
    const auto sound = sound_files.find(path_);
    if (!after_open_ || sound == sound_files.end() || after_open_ == damaged_) return false;
    return *after_open_ == sound->second || sound->second == set_.files.at(path_);
  }

  void broke(const std::string& rule) {
    if (broken_.empty()) broken_ = rule;
  }

  void error(const Error& error) {
    ++errors_;
    if (first_error_.empty()) first_error_ = error.to_string();
    if (!is_damage(error.code)) return broke("an error that is not about damage: " + error.to_string());
    // The file, and where in it; or that it is not there.
    if (error.message.find(path_) == std::string::npos)
      return broke("an error that does not name the file: " + error.to_string());
    const auto says = [&](const char* word) { return error.message.find(word) != std::string::npos; };
    if (!says("position ") && !says("bytes") && !says("missing") && !says("No such file"))
      broke("an error that does not say where: " + error.to_string());
  }

  // What is repeated is known for what it is. Only when the batch itself cannot be read any more, and no snapshot holds
  // what it said of its producer, it is refused or written a second time.
  void repeat(const std::string& batch, Offset first) {
    if (const auto* second = written_again_of(first)) first = second->offset;
    const bool lost = spread_.noted() && spread_.file_to() == set_.end && spread_.unreadable(first);
    const AppendResult answer = append(batch);
    if (!answer.error.ok()) {
      if (!lost) broke("a repeated batch is refused: " + answer.error.error().to_string());
    } else if (answer.duplicate) {
      if (answer.base_offset != first) broke("a repeated batch is taken for the one at " + at(answer.base_offset));
    } else {
      if (!lost || runner_->fetch(first, 1).ok())
        return broke("a repeated batch is written again at " + at(answer.base_offset));
      written_again_.push_back(*parts_.records.at(first));
      written_again_.back().offset = answer.base_offset;
    }
  }
  const PartitionFixture::Stored* written_again_of(Offset first) const {
    for (const auto& record : written_again_)
      if (record.key == parts_.records.at(first)->key) return &record;
    return nullptr;
  }

  // A known batch, byte for byte; once compacted, a batch of known records. The fresh record's apart.
  bool known(ByteView batch, const BatchHeader& header, std::set<Offset>& answered) {
    if (compacted_) return known_records(batch, header, answered);
    for (auto r = parts_.records.lower_bound(header.base_offset);
         r != parts_.records.end() && r->first < header.next_offset(); ++r)
      answered.insert(r->first);
    const auto found = set_.batches.find(header.base_offset);
    if (found != set_.batches.end() && found->second == batch) return true;
    // Written since the damage, perhaps in place of a tail that was lost.
    std::set<Offset> others;
    return (header.base_offset == fresh_ || again(header.base_offset)) && known_records(batch, header, others);
  }
  bool known_records(ByteView batch, const BatchHeader& header, std::set<Offset>& answered) {
    std::string scratch;
    const auto section = batch_records(header, batch, 1 << 20, scratch);
    if (!batch_crc_holds(batch) || !section.ok()) return false;
    RecordCursor cursor(header, *section);
    RecordView record;
    while (*cursor.next(record)) {
      if (record.offset == fresh_) continue;
      const auto found = parts_.records.find(record.offset);
      const PartitionFixture::Stored* expected = found != parts_.records.end() ? found->second : again(record.offset);
      if (!expected || record.key != expected->key || record.value != expected->value ||
          record.timestamp != expected->timestamp)
        return false;
      answered.insert(record.offset);
    }
    return true;
  }
  // Compaction may have taken it: a newer record of its key, or a tombstone that is due.
  bool may_be_gone(const PartitionFixture::Stored& record) const {
    return compacted_ && (!record.value || newest(record.key)->offset > record.offset);
  }

  void fetch(Offset committed_end) {
    std::set<Offset> answered;  // read, or refused by name
    Offset from = set_.log_start;
    Offset lost = set_.end;
    const auto account = [&](Offset to, bool error) {
      for (auto record = parts_.records.lower_bound(from); record != parts_.records.end() && record->first < to;
           ++record)
        if (!error && !answered.contains(record->first) && !may_be_gone(*record->second))
          lost = std::min(lost, record->first);
    };
    while (from < committed_end) {
      const auto fetched = runner_->fetch(from, 1 << 20);
      if (!fetched.ok()) {
        error(fetched.error());
        if (!spread_.unreadable(from)) broke("the damage reaches " + at(from) + ": " + fetched.error().to_string());
        answered.insert(from);
        from += 1;
        if (from >= set_.end + 200) break;  // an offset ceiling's worth of holes needs no walk
        continue;
      }
      std::string bytes;
      for (const ByteView piece : fetched->pieces) bytes.append(piece);
      for (ByteView rest = bytes; !rest.empty();) {
        const auto header = decode_batch_header(rest);
        if (!header.ok() || header->total_bytes() > rest.size()) return broke("fetch serves no whole batches");
        const ByteView batch = rest.substr(0, header->total_bytes());
        if (!known(batch, *header, answered))
          return broke("fetch serves a batch that was not written: base " + at(header->base_offset));
        rest.remove_prefix(header->total_bytes());
      }
      if (fetched->next_fetch_offset <= from) {
        account(committed_end, false);
        break;
      }
      account(fetched->next_fetch_offset, false);
      from = fetched->next_fetch_offset;
    }
    if (committed_end < set_.end) {
      from = committed_end;
      account(set_.end, false);
    }
    if (lost == set_.end) return;
    if (lost < set_.promised_end) return broke("fetch misses the record at " + at(lost) + " and says nothing");
    const bool told = report_.find("cut ") != std::string::npos || report_.find("DAMAGED ") != std::string::npos;
    if (!told && !shorter_ && cut_ == set_.end)
      return broke("a written record is missing at " + at(lost) + " and the report says nothing");
    for (const Offset offset : answered)
      if (offset > lost && offset < set_.end) return broke("a hole in front of " + at(offset));
    cut_ = std::min(cut_, lost);
  }

  struct Answer {
    Status_ status = Status_::absent;
    Offset offset = kNoOffset;
    std::string value;
    TimestampMs timestamp{-1};
    Error error{Errc::ok, {}};
  };
  Answer get(const std::string& key) {
    Answer answer;
    const ByteView keys[] = {key};
    runner_->get(keys, false, [&](std::size_t, const LookupAnswer& got) {
      answer = {got.status, got.offset, std::string(got.value), got.timestamp, got.error};
    });
    return answer;
  }
  const PartitionFixture::Stored* newest(const std::string& key) const {
    const PartitionFixture::Stored* found = nullptr;
    for (const auto& record : set_.records)
      if (record.key == key && record.offset < cut_) found = &record;
    for (const auto& record : written_again_)
      if (record.key == key) found = &record;
    return found;
  }
  const PartitionFixture::Stored* again(Offset offset) const {
    for (const auto& record : written_again_)
      if (record.offset == offset) return &record;
    return nullptr;
  }

  void lookups() {
    for (const std::string& key : set_.keys) {
      const Answer got = get(key);
      const auto* expected = newest(key);
      if (got.status == Status_::failed) {
        error(got.error);
        if (!spread_.hides(expected ? expected->offset : kNoOffset))
          broke("the damage hides " + key + ": " + got.error.to_string());
        continue;
      }
      const Status_ status = !expected ? Status_::absent : expected->value ? Status_::found : Status_::deleted;
      if (compacted_ && status == Status_::deleted && got.status == Status_::absent) continue;
      if (got.status != status)
        return broke("lookup of " + key + ": status " + std::to_string(static_cast<int>(got.status)) + " instead of " +
                     std::to_string(static_cast<int>(status)));
      if (!expected) continue;
      if (got.offset != expected->offset) return broke("lookup of " + key + " answers from " + at(got.offset));
      if (got.timestamp != expected->timestamp) return broke("lookup of " + key + " has a wrong time");
      if (expected->value && got.value != *expected->value) return broke("lookup of " + key + " has a wrong value");
    }
  }

  void replay(Offset end) {
    std::map<Offset, const PartitionFixture::Stored*> live;
    for (const std::string& key : set_.keys)
      if (const auto* record = newest(key); record && record->value) live[record->offset] = record;
    std::string scratch;
    for (Offset from(0); from < end;) {
      const auto step = runner_->fetch_filtered(from, end, ReplayFilter{}, 1 << 20);
      if (!step.ok()) {
        error(step.error());
        if (spread_.noted() && from == Offset(0)) return;
        if (!live.empty() && live.begin()->first < from)
          broke("replay leaves out the live record at " + at(live.begin()->first));
        if (from >= spread_.end()) broke("the damage ends a replay at " + at(from));
        return;
      }
      for (ByteView rest = step->batches; !rest.empty();) {
        const auto header = decode_batch_header(rest);
        if (!header.ok()) return broke("replay sends no batch");
        const ByteView batch = rest.substr(0, header->total_bytes());
        rest.remove_prefix(batch.size());
        if (!batch_crc_holds(batch)) return broke("replay sends a batch whose CRC does not hold");
        const auto section = batch_records(*header, batch, 1 << 20, scratch);
        if (!section.ok()) return broke("replay sends a batch that cannot be decoded");
        RecordCursor cursor(*header, *section);
        RecordView record;
        while (*cursor.next(record)) {
          if (record.offset == fresh_) continue;
          const auto known = live.find(record.offset);
          if (known == live.end()) return broke("replay sends a record that is not live: " + at(record.offset));
          if (record.key != known->second->key || record.value != known->second->value)
            return broke("replay sends a wrong record at " + at(record.offset));
          live.erase(known);
        }
      }
      if (step->position <= from) return broke("replay does not move on from " + at(from));
      from = step->position;
    }
    if (!live.empty()) broke("replay leaves out the live record at " + at(live.begin()->first));
  }

  void by_time() {
    for (std::size_t i = 0; i < set_.records.size(); i += 9) {
      const TimestampMs time = set_.records[i].timestamp;
      const auto found = runner_->offset_for_time(time);
      const PartitionFixture::Stored* expected = nullptr;
      for (const auto& record : set_.records)
        if (!expected && record.timestamp >= time && record.offset < cut_) expected = &record;
      // The times of what is listed as damaged are not known: its records may be passed over when it cannot be read.
      const bool known = expected && !(spread_.file_from() <= expected->offset && expected->offset < spread_.file_to());
      if (!found.ok()) {
        error(found.error());
        if (known) broke("the damage hides the time of " + at(expected->offset) + ": " + found.error().to_string());
        continue;
      }
      if (!known || compacted_) continue;
      if (!*found || (*found)->offset != expected->offset || (*found)->timestamp != expected->timestamp)
        return broke("the record of a time is " + (*found ? at((*found)->offset) : "none") + " instead of " +
                     at(expected->offset));
    }
  }

  AppendResult append(const std::string& batch) {
    std::optional<AppendResult> answer;
    auto prepared = prepare_batch(batch, set_.config, parts_.hasher, {});
    REQUIRE_OK(prepared);
    runner_->append(*std::move(prepared), Acks::all, [&](AppendResult result) { answer = std::move(result); });
    run_all();
    REQUIRE(answer.has_value());
    return *answer;
  }

  const DataSet& set_;
  Parts& parts_;
  std::unique_ptr<MemoryFileSystem> disk_;
  const std::string path_;
  ManualExecutor flush_;
  ManualExecutor background_;
  KeydirBudget budget_;
  std::shared_ptr<LocalPartitionRunner> runner_;
  std::string report_;
  std::string first_report_;
  std::string alarms_;
  bool noticed_ = false;
  bool shorter_ = false;
  bool compacted_ = false;
  const Spread spread_;
  std::optional<std::string> damaged_;
  std::optional<std::string> after_open_;
  Offset cut_;  // records at and above are gone, and the report says so
  Offset fresh_ = kNoOffset;
  std::vector<PartitionFixture::Stored> written_again_;
  int errors_ = 0;
  std::string first_error_;
  std::string broken_;
};

Checker::Checker(const DataSet& set) : set_(set), parts_(std::make_unique<Parts>()) {
  parts_->disk = set.disk();
  parts_->clock.advance_ms(1'000'000);
  for (const auto& record : set.records) parts_->records[record.offset] = &record;
  for (const auto& [path, content] : set.files)
    if (path.ends_with(".log")) parts_->layouts.emplace(path, LogLayout(set, path));
  for (const std::string& last : set.last_batches) {
    // All but base offset and leader epoch is as it was sent.
    const auto found = std::find_if(set.batches.begin(), set.batches.end(), [&](const auto& batch) {
      return ByteView(batch.second).substr(16) == ByteView(last).substr(16);
    });
    REQUIRE(found != set.batches.end());
    parts_->last_batches.push_back(found->first);
  }
  for (const bool reset : {false, true}) {
    Run run(set_, *parts_, parts_->disk->clone(), "", Spread());
    run.open(reset);
    parts_->sound_report[reset] = run.report();
    run.read_all();
    for (const std::string& path : run.disk().paths()) parts_->sound_files[reset][path] = *run.disk().content(path);
    run.note_first_open(std::nullopt);
    run.write();
    const Verdict verdict = run.verdict(run.report(), {});
    INFO(verdict.broken << verdict.detail);
    REQUIRE(verdict.broken.empty());
    REQUIRE(verdict.outcome == Outcome::harmless);
  }
}

Checker::~Checker() = default;

Checker::Verdict Checker::check(const std::string& path, const std::optional<std::string>& content, bool machine_reset,
                                bool again) {
  auto disk = parts_->disk->clone();
  if (content)
    disk->set_content(path, *content);
  else
    REQUIRE_OK(disk->root()->unlink(path));
  Run run(set_, *parts_, std::move(disk), path, parts_->spread(path, content, false));
  if (!content || content->size() < set_.files.at(path).size()) run.is_shorter();
  run.open(machine_reset);
  run.read_all();
  run.note_first_open(content);
  run.write();
  if (again) {
    run.kill();
    run.open(false);
    run.read_all();
    run.read_fresh();
    run.repeat_all();
  }
  return run.verdict(parts_->sound_report[machine_reset], parts_->sound_files[machine_reset]);
}

Checker::Verdict Checker::check_compaction(const std::string& path, const std::optional<std::string>& content) {
  auto disk = parts_->disk->clone();
  if (content)
    disk->set_content(path, *content);
  else
    REQUIRE_OK(disk->root()->unlink(path));
  Run run(set_, *parts_, std::move(disk), path, parts_->spread(path, content, false));
  if (!content || content->size() < set_.files.at(path).size()) run.is_shorter();
  run.open(false);
  run.compact();
  run.read_all();
  run.note_first_open(content);
  run.write();
  run.kill();
  run.open(false);
  run.read_all();
  run.read_fresh();
  run.repeat_all();
  return run.verdict(parts_->sound_report[0], parts_->sound_files[0]);
}

Checker::Verdict Checker::check_while_open(const std::string& path, const std::string& content) {
  Run run(set_, *parts_, parts_->disk->clone(), path, parts_->spread(path, content, true));
  run.open(false);
  run.disk().set_content(path, content);
  run.read_all();
  run.note_first_open(content);
  // What is written to the active log now goes where the damage is.
  if (!parts_->layouts.at(path).is_active()) run.write();
  return run.verdict(parts_->sound_report[0], {});
}

}  // namespace logcask::testing
