#include "tests/model/oracle.h"

#include "tests/support/catch.h"

namespace logcask::testing {
namespace {

std::string at(Offset offset) { return "offset " + std::to_string(offset.value()); }

}  // namespace

void Oracle::assigned(Offset base, const std::vector<ModelRecord>& records) {
  for (const ModelRecord& record : records) {
    const auto told = told_.find(base);
    if (told != told_.end() && told->second.id != record.id) FAIL(at(base) << " was given twice");
    if (log_.contains(base)) FAIL(at(base) << " is in use");
    if (const auto place = place_of(record.id))
      FAIL("a batch was taken twice: at " << at(*place) << " and " << at(base));
    keys_.insert(record.key);
    places_[record.id] = base;
    log_[base] = record;
    base += 1;
  }
  next_ = std::max(next_, base);
}

void Oracle::told(Offset base, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i, base += 1) {
    const auto found = log_.find(base);
    if (found != log_.end()) told_.insert({base, {found->second.id, false}});
  }
}

std::optional<Offset> Oracle::place_of(std::int64_t id) const {
  const auto found = places_.find(id);
  if (found == places_.end()) return std::nullopt;
  const auto record = log_.find(found->second);
  if (record == log_.end() || record->second.id != id) return std::nullopt;
  return found->second;
}

void Oracle::note(const PartitionSnapshot& s) {
  if (s.state == PartitionSnapshot::State::offline) return;
  REQUIRE(s.next_offset >= s.written_end);
  REQUIRE(s.written_end >= s.durable_end);
  REQUIRE(s.durable_end >= s.committed_end);
  REQUIRE(s.committed_end >= committed_);
  REQUIRE(s.committed_end >= s.log_start_offset);
  REQUIRE(s.written_end >= written_);
  REQUIRE(s.log_start_offset >= log_start_);
  REQUIRE(s.tombstone_horizon >= horizon_);
  REQUIRE(s.leader_epoch >= epoch_);
  REQUIRE_FALSE(s.compaction_quarantined);
  committed_ = s.committed_end;
  written_ = s.written_end;
  log_start_ = s.log_start_offset;
  horizon_ = s.tombstone_horizon;
  epoch_ = s.leader_epoch;
  for (auto record = log_.lower_bound(s.next_offset); record != log_.end(); record = log_.erase(record))
    cut_[record->second.id] = {record->first, record->second};
  next_ = s.next_offset;
  const Offset shown = written_is_visible_ ? written_ : committed_;
  for (auto record = log_.begin(); record != log_.end() && record->first < shown; ++record)
    told_[record->first] = {record->second.id, true};
}

void Oracle::may_also_hold(const Oracle& later) {
  for (auto record = later.log_.lower_bound(committed_); record != later.log_.end(); ++record) {
    const auto known = log_.find(record->first);
    if (known == log_.end() || known->second.id == record->second.id) {
      log_.insert(*record);
      places_[record->second.id] = record->first;
      keys_.insert(record->second.key);
    } else {
      cut_[record->second.id] = *record;
    }
  }
  for (const auto& [id, record] : later.cut_) cut_.insert({id, record});
}

Oracle::Newest Oracle::newest(const std::string& key, Offset end) const {
  Newest newest;
  for (auto record = log_.lower_bound(log_start_); record != log_.end() && record->first < end; ++record) {
    if (record->second.key != key) continue;
    newest.offset = record->first;
    newest.record = &record->second;
  }
  if (newest.record && !newest.live()) newest.may_be_absent = newest.offset < horizon_;
  return newest;
}

bool Oracle::may_be_gone(Offset offset, const ModelRecord& record) const {
  if (!record.value && offset < horizon_) return true;
  for (auto later = log_.upper_bound(offset); later != log_.end() && later->first < committed_; ++later)
    if (later->second.key == record.key) return true;
  return false;
}

void Oracle::reopened(PartitionFixture& fixture, Offset certain, bool power_loss) {
  const PartitionSnapshot snapshot = fixture.partition().snapshot();
  INFO("reopened: " << fixture.report() << "; certain below " << certain.value());
  REQUIRE(snapshot.state != PartitionSnapshot::State::offline);
  REQUIRE(snapshot.reason.empty());
  const auto stored = fixture.fetch_all(log_start_);
  std::set<Offset> found;
  for (const auto& s : stored) {
    const auto known = log_.find(s.offset);
    const auto cut = cut_.find(s.timestamp.value());
    if (known == log_.end() || known->second.id != s.timestamp.value()) {
      if (cut == cut_.end() || cut->second.first != s.offset) FAIL("an unknown record lies at " << at(s.offset));
      REQUIRE(s.offset >= certain);
      const auto told = told_.find(s.offset);
      if (told != told_.end() && told->second.id != cut->first) {
        REQUIRE((power_loss && !told->second.shown));
        told_.erase(told);
      }
      log_[s.offset] = cut->second.second;
      places_[cut->first] = s.offset;
    }
    found.insert(s.offset);
  }
  horizon_ = std::max(horizon_, snapshot.tombstone_horizon);
  // Below the old committed end a record may have been cleaned away; above it nothing can have been.
  for (auto record = log_.begin(); record != log_.end();) {
    const bool there = found.contains(record->first);
    const bool keep = there || record->first < certain;
    if (!there && record->first < certain && record->first >= snapshot.log_start_offset)
      if (!may_be_gone(record->first, record->second)) FAIL("lost: the record at " << at(record->first));
    record = keep ? std::next(record) : log_.erase(record);
  }
  REQUIRE(snapshot.next_offset >= certain);
  // What was written but not certain may be gone.
  written_ = std::min(written_, snapshot.written_end);
  cut_.clear();
  note(snapshot);
}

void Oracle::check(PartitionFixture& fixture) {
  const PartitionSnapshot snapshot = fixture.partition().snapshot();
  note(snapshot);
  if (snapshot.state == PartitionSnapshot::State::offline) return;
  const Offset visible = written_is_visible_ ? written_ : committed_;
  check_fetch(fixture.fetch_all(log_start_), visible);
  if (snapshot.state == PartitionSnapshot::State::loading) return;
  for (const std::string& key : keys_) check_key(fixture, key, visible);
  check_replay(fixture);
  check_counts(fixture);
}

void Oracle::check_lookup(PartitionFixture& fixture, const std::string& key) {
  const PartitionSnapshot snapshot = fixture.partition().snapshot();
  note(snapshot);
  if (snapshot.state == PartitionSnapshot::State::online)
    check_key(fixture, key, written_is_visible_ ? written_ : committed_);
}

void Oracle::check_read(const PartitionFixture::Stored& stored, Offset end) const {
  INFO("read " << at(stored.offset) << ", visible below " << end.value());
  REQUIRE(stored.offset < end);
  const auto known = log_.find(stored.offset);
  REQUIRE(known != log_.end());
  REQUIRE(known->second.id == stored.timestamp.value());
  REQUIRE(known->second.key == stored.key);
  REQUIRE(known->second.value == stored.value);
}

void Oracle::check_fetch(const std::vector<PartitionFixture::Stored>& stored, Offset end) const {
  auto expected = log_.lower_bound(log_start_);
  Offset last = kNoOffset;
  for (const auto& s : stored) {
    INFO("fetched " << at(s.offset));
    REQUIRE(s.offset > last);
    last = s.offset;
    for (; expected != log_.end() && expected->first < s.offset; ++expected) {
      INFO("missing " << at(expected->first));
      REQUIRE(may_be_gone(expected->first, expected->second));
    }
    REQUIRE(expected != log_.end());
    REQUIRE(expected->first == s.offset);
    REQUIRE(expected->second.id == s.timestamp.value());
    REQUIRE(expected->second.key == s.key);
    REQUIRE(expected->second.value == s.value);
    REQUIRE(s.offset < end);
    ++expected;
  }
  for (; expected != log_.end() && expected->first < end; ++expected) {
    INFO("missing at the end " << at(expected->first));
    REQUIRE(may_be_gone(expected->first, expected->second));
  }
}

void Oracle::check_key(PartitionFixture& fixture, const std::string& key, Offset end) const {
  const Newest expected = newest(key, end);
  const Got got = fixture.get(key);
  INFO("get " << key << ": status " << static_cast<int>(got.status) << " at " << got.offset.value() << " "
              << got.error.message << "; expected " << expected.offset.value()
              << (expected.live() ? "" : " (not live)"));
  if (!expected.record) {
    REQUIRE(got.status == LookupAnswer::Status::absent);
  } else if (expected.live()) {
    REQUIRE(got.status == LookupAnswer::Status::found);
    REQUIRE(got.offset == expected.offset);
    REQUIRE(got.value == *expected.record->value);
  } else if (got.status == LookupAnswer::Status::absent) {
    REQUIRE(expected.may_be_absent);
  } else {
    REQUIRE(got.status == LookupAnswer::Status::deleted);
    REQUIRE(got.offset == expected.offset);
  }
}

void Oracle::check_replay(PartitionFixture& fixture) const {
  std::map<std::string, Offset> expected;
  for (const std::string& key : keys_) {
    const Newest live = newest(key, committed_);
    if (live.live()) expected[key] = live.offset;
  }
  std::map<std::string, Offset> replayed;
  for (const auto& s : fixture.replay_live()) {
    INFO("replayed " << s.key << " at " << at(s.offset));
    REQUIRE(replayed.emplace(s.key, s.offset).second);
  }
  REQUIRE(replayed == expected);
}

void Oracle::check_counts(PartitionFixture& fixture) const {
  std::uint64_t live = 0;
  std::uint64_t maybe_deleted = 0;
  for (const std::string& key : keys_) {
    const Newest at_key = newest(key, committed_);
    live += at_key.live();
    maybe_deleted += at_key.record && !at_key.live();
  }
  const PartitionSnapshot snapshot = fixture.partition().snapshot();
  REQUIRE(snapshot.live_keys == live);
  REQUIRE(snapshot.deleted_keys <= maybe_deleted);
  std::uint64_t live_values = 0;
  std::uint64_t live_tombstones = 0;
  for (const SegmentReport& segment : fixture.partition().segments()) {
    live_values += segment.live_values;
    live_tombstones += segment.live_tombstones;
    REQUIRE(segment.records >= segment.live_values + segment.live_tombstones);
  }
  REQUIRE(live_values == live);
  REQUIRE(live_tombstones == snapshot.deleted_keys);
  REQUIRE(fixture.budget().used_entries() >= live);
}

}  // namespace logcask::testing
