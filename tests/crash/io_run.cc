#include "tests/crash/io_run.h"

#include <algorithm>
#include <cerrno>
#include <set>

#include "tests/support/catch.h"
#include "tests/support/crash_states.h"

namespace logcask::testing {
void IoRun::open() {
  note_hits();
  REQUIRE_OK(storage_.open("first"));
  note_hits();
}

void IoRun::add_topic(const std::string& name, int partitions) {
  topics_[name].resize(static_cast<std::size_t>(partitions));
}

void IoRun::arm(const Fault& fault) {
  note_hits();
  full_disk_ = fault.error_number == ENOSPC;
  disk_->fail(fault);
}

void IoRun::disarm() {
  note_hits();
  over_ = hits();
  disk_->clear_faults();
}

std::vector<MemoryFileSystem::FaultHit> IoRun::hits() const {
  auto hits = over_;
  const auto now = disk_->fault_hits();
  hits.insert(hits.end(), now.begin(), now.end());
  return hits;
}

void IoRun::note_hits() {
  const auto all = hits();
  for (std::size_t i = noted_.size(); i < all.size(); ++i)
    noted_.push_back({all[i], !all[i].path.ends_with(".sync") || sync_logs_.contains(all[i].path), false});
  sync_logs_.clear();
  const std::vector<std::string> paths = disk_->paths();
  const std::set<std::string> there(paths.begin(), paths.end());
  for (const std::string& path : paths)
    // One whose creation has failed has lost its log.
    if (path.ends_with(".sync") && there.contains(path.substr(0, path.size() - 5) + ".log"))
      sync_logs_.insert("mem:/" + path);
}

PartitionRunner& IoRun::runner(StorageStack& storage, const std::string& topic, int partition) const {
  const TopicPtr found = storage.topics().find(topic);
  if (!found) FAIL("topic " << topic << " is gone");
  return *found->partition(PartitionId(partition));
}

bool IoRun::broken(const std::string& topic, int partition) const { return broken_by(topic, partition, false); }
bool IoRun::log_broken(const std::string& topic, int partition) const { return broken_by(topic, partition, true); }

bool IoRun::broken_by(const std::string& topic, int partition, bool log_only) const {
  if (sound_again_) return false;
  const std::string directory = "/" + topic + "-" + std::to_string(partition) + ".";
  return std::any_of(noted_.begin(), noted_.end(), [&](const Hit& hit) {
    if (hit.taken_back) return false;
    const MemoryFileSystem::FaultHit& what = hit.what;
    const bool log = what.path.ends_with(".0.log");
    if (what.path.find(directory) == std::string::npos || !(log || (!log_only && what.path.ends_with(".0.sync"))))
      return false;
    // For want of room a write is undone, and so is the creation of a file. A sync cannot be.
    if (full_disk_) return what.kind == OperationKind::sync_data && hit.in_use;
    return what.kind == OperationKind::write || what.kind == OperationKind::sync_data;
  });
}

std::string IoRun::hits_text() const {
  const auto all = hits();
  std::string text = std::to_string(all.size()) + " operations";
  for (std::size_t i = 0; i < std::min<std::size_t>(all.size(), 3); ++i)
    text += std::string(i == 0 ? ": " : ", ") + operation_name(all[i].kind) + " " + all[i].path;
  return text;
}

bool IoRun::only_full() const {
  return full_disk_ && std::none_of(noted_.begin(), noted_.end(), [](const Hit& hit) {
           const bool log = hit.what.path.ends_with(".0.log");
           const bool sync_log = hit.what.path.ends_with(".sync");
           return hit.in_use && ((hit.what.kind == OperationKind::write && sync_log) ||
                                 (hit.what.kind == OperationKind::sync_data && (log || sync_log)));
         });
}

bool IoRun::reads_may_fail(const std::string& topic, int partition) {
  note_hits();
  // What could not be opened waits for an operator.
  if (runner(storage_, topic, partition).snapshot().state == PartitionSnapshot::State::offline) return true;
  return std::any_of(noted_.begin(), noted_.end(), [](const Hit& hit) {
    return hit.what.kind == OperationKind::read || hit.what.kind == OperationKind::open;
  });
}

bool IoRun::put(const std::string& topic, int partition, const std::string& key, Acks acks) {
  note_hits();
  const bool was_broken = broken(topic, partition);
  const std::string value = "v" + std::to_string(++values_);
  const AppendResult answer = storage_.append(topic, partition, key, value, acks);
  note_hits();
  INFO("put into " << topic << "-" << partition << ": " << (answer.error.ok() ? "" : answer.error.error().to_string()));
  const bool acked = answer.error.ok();
  if (acked && was_broken) FAIL("acknowledged after the log's error");
  if (acked && acks == Acks::all && log_broken(topic, partition)) FAIL("acknowledged in spite of the log's error");
  log(topic, partition).attempts.push_back({key, value, acked && acks == Acks::all, answer.base_offset});
  if (acked) return true;
  ++refused_;
  // One that could not even be opened waits for an operator.
  const bool offline = runner(storage_, topic, partition).snapshot().state == PartitionSnapshot::State::offline;
  if (was_broken) REQUIRE((answer.error.code() == Errc::read_only || offline));
  if (only_full() && !offline) {
    REQUIRE(errc_retriable(answer.error.code()));
    REQUIRE(answer.error.code() == Errc::storage_full);
  }
  return false;
}

void IoRun::must_put(const std::string& topic, int partition, const std::string& key) {
  if (!put(topic, partition, key)) FAIL("a partition of its own was drawn in: " << topic << "-" << partition);
  look(topic, partition, false);
}

void IoRun::roll(const std::string& topic, int partition) {
  note_hits();
  (void)runner(storage_, topic, partition).roll();
  storage_.pump();
}

void IoRun::compact(const std::string& topic, int partition) {
  note_hits();
  log(topic, partition).compacted = true;
  (void)storage_.compact(runner(storage_, topic, partition));
}

void IoRun::delete_records(const std::string& topic, int partition) {
  note_hits();
  PartitionRunner& found = runner(storage_, topic, partition);
  const Offset to = found.snapshot().committed_end - 1;
  if (to <= Offset(0)) return;
  Log& of = log(topic, partition);
  of.log_start = std::max(of.log_start, to);
  (void)found.delete_records(to);
  storage_.pump();
}

void IoRun::look(const std::string& topic, int partition) {
  note_hits();
  look(topic, partition, true);
}

// The newest committed record of each key, or an error where there may be one.
void IoRun::look(const std::string& topic, int partition, bool faulty) {
  const auto may_fail = [&] { return faulty && reads_may_fail(topic, partition); };
  fetch_acked(topic, partition, may_fail);
  std::map<std::string, const Attempt*> newest;
  for (const Attempt& attempt : log(topic, partition).attempts)
    if (attempt.acked) newest[attempt.key] = &attempt;
  for (const auto& [key, attempt] : newest) {
    const ByteView keys[] = {key};
    runner(storage_, topic, partition)
        .get(keys, false, [&, &attempt = *attempt](std::size_t, const LookupAnswer& answer) {
          INFO("get " << attempt.key << " of " << topic << "-" << partition << ": status "
                      << static_cast<int>(answer.status) << " at " << answer.offset.value() << " '" << answer.value
                      << "' " << answer.error.to_string());
          if (answer.status == LookupAnswer::Status::failed) {
            if (!may_fail()) FAIL("a lookup fails although nothing stands between it and the disk");
            return;
          }
          if (attempt.offset < log(topic, partition).log_start) return;
          REQUIRE(answer.status == LookupAnswer::Status::found);
          REQUIRE(answer.offset >= attempt.offset);
          if (answer.offset == attempt.offset) REQUIRE(answer.value == attempt.value);
        });
  }
}

void IoRun::fetch_acked(const std::string& topic, int partition, const std::function<bool()>& may_fail) {
  PartitionRunner& from = runner(storage_, topic, partition);
  std::map<Offset, std::string> values;
  for (Offset next = from.snapshot().log_start_offset;;) {
    const auto fetched = from.fetch(next, 4096);
    INFO("fetch of " << topic << "-" << partition << " from " << next.value());
    if (!fetched.ok() && may_fail()) return;
    REQUIRE_OK(fetched);
    std::string bytes;
    for (const ByteView piece : fetched->pieces) bytes.append(piece);
    for (const auto& stored : decode_records(bytes)) values[stored.offset] = stored.value.value_or("");
    if (fetched->next_fetch_offset == next) break;
    next = fetched->next_fetch_offset;
  }
  const Log& log = this->log(topic, partition);
  const Offset log_start = from.snapshot().log_start_offset;
  for (const Attempt& attempt : log.attempts) {
    if (!attempt.acked || attempt.offset < log_start) continue;
    const auto found = values.find(attempt.offset);
    // Compaction has taken it, then; check_log() asks for what.
    if (found == values.end() && log.compacted) continue;
    INFO(attempt.value << " at offset " << attempt.offset.value());
    REQUIRE(found != values.end());
    REQUIRE(found->second == attempt.value);
  }
}

void IoRun::create(const std::string& topic) {
  note_hits();
  const auto created = storage_.create(topic, 1);
  note_hits();
  if (created.ok()) return add_topic(topic, 1);
  ++refused_;
  for (Hit& hit : noted_)
    if (hit.what.path.find("/" + topic + "-") != std::string::npos) hit.taken_back = true;
}

void IoRun::remove(const std::string& topic) {
  note_hits();
  const Status removed = storage_.remove(topic);
  if (!removed.ok()) ++refused_;
  if (removed.ok() || !storage_.topics().find(topic)) topics_.erase(topic);
}

void IoRun::heal(const std::string& topic, int partition) {
  disarm();
  const bool was_broken = broken(topic, partition);
  const bool writes = put(topic, partition, "k");
  const PartitionSnapshot snapshot = runner(storage_, topic, partition).snapshot();
  INFO("state " << static_cast<int>(snapshot.state) << ": " << snapshot.reason);
  const bool offline = snapshot.state == PartitionSnapshot::State::offline;
  if (only_full() && !writes && !offline) FAIL("the partition does not go on when there is room again");
  REQUIRE(!(was_broken && writes));
  // What could not be read counts as damaged, and compaction stays away, until somebody reopens the partition.
  if (writes && snapshot.reason.empty() && !snapshot.compaction_quarantined) return;
  if (writes) {
    REQUIRE_OK(storage_.topics().reopen(topic, PartitionId(partition)));
    storage_.pump();
    return;
  }
  ++latched_;
  REQUIRE((offline || snapshot.state == PartitionSnapshot::State::read_only));
  REQUIRE_OK(storage_.topics().reopen(topic, PartitionId(partition)));
  storage_.pump();
  sound_again_ = true;
  if (!put(topic, partition, "k")) FAIL("the partition takes no writes after it was reopened");
}

void IoRun::restart_and_check(std::uint64_t seed) {
  disarm();
  check(storage_);
  const CrashState crash = CrashStates::random_now(*disk_, CrashProfile::worst, seed);
  storage_.kill();
  REQUIRE_OK(storage_.open("first"));
  check(storage_);
  INFO(crash.description);
  StorageStack after(*crash.image);
  REQUIRE_OK(after.open("second"));
  check(after);
}

void IoRun::check(StorageStack& storage) {
  for (const auto& [name, logs] : topics_) {
    const std::string& topic = name;
    for (std::size_t i = 0; i < logs.size(); ++i) {
      INFO("partition " << topic << "-" << i << " " << storage.notes());
      check_log(runner(storage, topic, static_cast<int>(i)), logs[i]);
    }
  }
}

void IoRun::check_log(PartitionRunner& partition, const Log& log) {
  const PartitionSnapshot snapshot = partition.snapshot();
  INFO("state " << static_cast<int>(snapshot.state) << " " << snapshot.reason);
  REQUIRE(snapshot.state != PartitionSnapshot::State::offline);
  REQUIRE(snapshot.reason.empty());
  REQUIRE(snapshot.log_start_offset <= log.log_start);
  std::map<Offset, const Attempt*> found;
  std::map<std::string, Offset> newest;
  std::set<std::string> values;
  for (const auto& stored : fetch_all(partition)) {
    REQUIRE(stored.value.has_value());
    const auto known = std::find_if(log.attempts.begin(), log.attempts.end(),
                                    [&](const Attempt& attempt) { return attempt.value == *stored.value; });
    if (known == log.attempts.end()) FAIL("an unknown record lies at offset " << stored.offset.value());
    REQUIRE(known->key == stored.key);
    if (known->acked) REQUIRE(known->offset == stored.offset);
    REQUIRE(values.insert(*stored.value).second);
    found[stored.offset] = &*known;
    newest[stored.key] = stored.offset;
  }
  for (const Attempt& attempt : log.attempts) {
    if (!attempt.acked || found.contains(attempt.offset) || attempt.offset < snapshot.log_start_offset) continue;
    const auto newer = newest.find(attempt.key);
    const bool superseded = log.compacted && newer != newest.end() && newer->second > attempt.offset;
    if (!superseded) FAIL("lost: " << attempt.value << " at offset " << attempt.offset.value());
  }
  for (const auto& [key, offset] : newest) {
    const ByteView keys[] = {key};
    partition.get(keys, false, [&, k = key, o = offset](std::size_t, const LookupAnswer& answer) {
      INFO("get " << k << ": status " << static_cast<int>(answer.status) << " " << answer.error.to_string());
      REQUIRE(answer.status == LookupAnswer::Status::found);
      REQUIRE(answer.offset == o);
      REQUIRE(answer.value == found.at(o)->value);
    });
  }
}

}  // namespace logcask::testing
