#include "tests/crash/io_run.h"

#include <algorithm>
#include <cerrno>
#include <set>

#include "tests/support/catch.h"
#include "tests/support/crash_states.h"

namespace logcask::testing {
void IoRun::open() { REQUIRE_OK(storage_.open("first")); }

void IoRun::add_topic(const std::string& name, int partitions) {
  topics_[name].resize(static_cast<std::size_t>(partitions));
}

void IoRun::arm(const Fault& fault) {
  full_disk_ = fault.error_number == ENOSPC;
  disk_->fail(fault);
}

void IoRun::disarm() {
  const auto hits = disk_->fault_hits();
  hits_.insert(hits_.end(), hits.begin(), hits.end());
  disk_->clear_faults();
}

PartitionRunner& IoRun::runner(StorageStack& storage, const std::string& topic, int partition) const {
  const TopicPtr found = storage.topics().find(topic);
  if (!found) FAIL("topic " << topic << " is gone");
  return *found->partition(PartitionId(partition));
}

bool IoRun::broken(const std::string& topic, int partition) const {
  if (full_disk_ || sound_again_) return false;
  const std::string directory = "/" + topic + "-" + std::to_string(partition) + ".";
  auto hits = disk_->fault_hits();
  hits.insert(hits.end(), hits_.begin(), hits_.end());
  return std::any_of(hits.begin(), hits.end(), [&](const MemoryFileSystem::FaultHit& hit) {
    const bool bytes = hit.kind == OperationKind::write || hit.kind == OperationKind::sync_data;
    return bytes && hit.path.find(directory) != std::string::npos &&
           (hit.path.ends_with(".0.log") || hit.path.ends_with(".0.sync"));
  });
}

std::string IoRun::hits() const {
  auto hits = hits_;
  const auto now = disk_->fault_hits();
  hits.insert(hits.end(), now.begin(), now.end());
  std::string text = std::to_string(hits.size()) + " operations";
  for (std::size_t i = 0; i < std::min<std::size_t>(hits.size(), 3); ++i)
    text += std::string(i == 0 ? ": " : ", ") + operation_name(hits[i].kind) + " " + hits[i].path;
  return text;
}

bool IoRun::only_full() const {
  auto hits = disk_->fault_hits();
  hits.insert(hits.end(), hits_.begin(), hits_.end());
  return full_disk_ &&
         std::none_of(hits.begin(), hits.end(), [](const auto& hit) { return hit.path.ends_with(".sync"); });
}

bool IoRun::put(const std::string& topic, int partition, const std::string& key, Acks acks) {
  const bool was_broken = broken(topic, partition);
  const std::string value = "v" + std::to_string(++values_);
  const AppendResult answer = storage_.append(topic, partition, key, value, acks);
  INFO("put into " << topic << "-" << partition << ": " << (answer.error.ok() ? "" : answer.error.error().to_string()));
  const bool acked = answer.error.ok();
  if (acked && was_broken) FAIL("acknowledged after the log's error");
  log(topic, partition).attempts.push_back({key, value, acked && acks == Acks::all, answer.base_offset});
  if (acked) return true;
  ++refused_;
  // One that could not even be opened waits for an operator.
  const bool offline = runner(storage_, topic, partition).snapshot().state == PartitionSnapshot::State::offline;
  if (only_full() && !offline) {
    REQUIRE(errc_retriable(answer.error.code()));
    REQUIRE(answer.error.code() == Errc::storage_full);
  }
  return false;
}

void IoRun::must_put(const std::string& topic, int partition, const std::string& key) {
  if (!put(topic, partition, key)) FAIL("a partition of its own was drawn in: " << topic << "-" << partition);
  look(topic, partition);
}

void IoRun::roll(const std::string& topic, int partition) {
  (void)runner(storage_, topic, partition).roll();
  storage_.pump();
}

void IoRun::compact(const std::string& topic, int partition) {
  log(topic, partition).compacted = true;
  (void)storage_.compact(runner(storage_, topic, partition));
}

void IoRun::delete_records(const std::string& topic, int partition) {
  PartitionRunner& found = runner(storage_, topic, partition);
  const Offset to = found.snapshot().committed_end - 1;
  if (to <= Offset(0)) return;
  Log& of = log(topic, partition);
  of.log_start = std::max(of.log_start, to);
  (void)found.delete_records(to);
  storage_.pump();
}

// The newest committed record of each key, or an error.
void IoRun::look(const std::string& topic, int partition) {
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
          if (answer.status == LookupAnswer::Status::failed || attempt.offset < log(topic, partition).log_start) return;
          REQUIRE(answer.status == LookupAnswer::Status::found);
          REQUIRE(answer.offset >= attempt.offset);
          if (answer.offset == attempt.offset) REQUIRE(answer.value == attempt.value);
        });
  }
}

void IoRun::create(const std::string& topic) {
  const auto created = storage_.create(topic, 1);
  if (created.ok())
    add_topic(topic, 1);
  else
    ++refused_;
}

void IoRun::remove(const std::string& topic) {
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
