#include "tests/crash/topics_run.h"

#include <algorithm>
#include <set>

#include "broker/topics/topic_name.h"
#include "tests/support/catch.h"

namespace logcask::testing {
namespace {

constexpr const char* kBoot = "first";
constexpr const char* kNextBoot = "second";

}  // namespace

TopicsRun::TopicsRun(std::unique_ptr<MemoryFileSystem> disk) : disk_(std::move(disk)), storage_(*disk_) {
  states_.push_back(model_);
  REQUIRE_OK(storage_.open(kBoot));
  mark();
}

TopicsRun::TopicsRun(std::unique_ptr<MemoryFileSystem> image, Model before, const Model& after)
    : disk_(std::move(image)), storage_(*disk_) {
  REQUIRE_OK(storage_.open(kNextBoot));
  model_ = check_topics(storage_, before, after, false);
  states_ = {std::move(before)};
  mark();
}

void TopicsRun::mark() {
  states_.push_back(model_);
  disk_->mark(std::to_string(states_.size() - 1));
}

void TopicsRun::begin() {
  disk_->settle();
  states_ = {model_};
}

void TopicsRun::create(const std::string& name, int partitions) {
  const auto created = storage_.create(name, partitions);
  REQUIRE_OK(created);
  TopicModel topic;
  topic.id = (*created)->record.id;
  topic.settings = (*created)->record.settings;
  topic.partitions.resize(static_cast<std::size_t>(partitions));
  model_[name] = std::move(topic);
  mark();
}

void TopicsRun::alter(const std::string& name, const std::string& setting, const std::string& value) {
  REQUIRE_OK(storage_.topics().alter(name, {{setting, value}}, {}));
  model_[name].settings[setting] = value;
  mark();
}

void TopicsRun::remove(const std::string& name) {
  REQUIRE_OK(storage_.remove(name));
  model_.erase(name);
  mark();
}

void TopicsRun::apply_put(StorageStack& storage, Model& model, const std::string& name, int partition,
                          const std::string& key, std::optional<std::string> value) {
  const AppendResult answer = storage.append(name, partition, key, value);
  REQUIRE_OK(answer.error);
  auto& records = model[name].partitions[static_cast<std::size_t>(partition)];
  if (!records.empty() && answer.base_offset <= records.back().offset)
    FAIL(name << "-" << partition << ": offset " << answer.base_offset.value() << " was given twice");
  records.push_back({answer.base_offset, key, std::move(value)});
}

void TopicsRun::put(const std::string& name, int partition, const std::string& key, std::optional<std::string> value) {
  apply_put(storage_, model_, name, partition, key, std::move(value));
  mark();
}

void TopicsRun::restart() {
  REQUIRE_OK(storage_.stop());
  mark();
  REQUIRE_OK(storage_.open(kBoot));
  mark();
}

TopicsRun::Model TopicsRun::check_topics(StorageStack& storage, const Model& before, const Model& after,
                                         bool compacted) {
  INFO(storage.notes());
  std::set<std::string> names;
  for (const auto& [name, topic] : before) names.insert(name);
  for (const auto& [name, topic] : after) names.insert(name);
  for (const auto all = storage.topics().snapshot(); const auto& [name, topic] : *all)
    if (!is_internal_topic(name) && !names.contains(name)) FAIL("an unknown topic is there: " << name);
  Model found;
  for (const std::string& name : names) {
    INFO("topic " << name);
    const auto old_one = before.find(name);
    const auto new_one = after.find(name);
    const bool same = old_one != before.end() && new_one != after.end() && old_one->second.id == new_one->second.id;
    const TopicPtr topic = storage.topics().find(name);
    if (!topic) {
      if (same) FAIL("the topic is gone");
      if (old_one != before.end() && new_one != after.end()) FAIL("neither the old nor the new one is there");
      continue;
    }
    const TopicModel* known = nullptr;
    if (old_one != before.end() && old_one->second.id == topic->record.id) known = &old_one->second;
    if (!known && new_one != after.end()) known = &new_one->second;
    if (!known) FAIL("the topic is back");
    if (known->id != topic->record.id) FAIL("it is another topic of that name");
    REQUIRE(topic->partitions.size() == known->partitions.size());
    const TopicModel& later = same ? new_one->second : *known;
    REQUIRE((topic->record.settings == known->settings || topic->record.settings == later.settings));
    TopicModel now{known->id, topic->record.settings, {}};
    now.partitions.resize(known->partitions.size());
    for (std::size_t i = 0; i < known->partitions.size(); ++i) {
      INFO("partition " << i);
      // A topic that is just being made has nothing to lose.
      check_partition(*topic->partitions[i], known->partitions[i], later.partitions[i], compacted, now.partitions[i]);
    }
    found[name] = std::move(now);
  }
  check_directories(storage);
  return found;
}

void TopicsRun::check_partition(PartitionRunner& partition, const std::vector<Record>& before,
                                const std::vector<Record>& after, bool compacted, std::vector<Record>& found) {
  const PartitionSnapshot snapshot = partition.snapshot();
  INFO("state " << static_cast<int>(snapshot.state) << " " << snapshot.reason);
  REQUIRE(snapshot.state == PartitionSnapshot::State::online);
  REQUIRE(snapshot.reason.empty());
  const auto stored = fetch_all(partition);
  std::set<Offset> there;
  for (const auto& s : stored) {
    const auto known =
        std::find_if(after.begin(), after.end(), [&](const Record& record) { return record.offset == s.offset; });
    if (known == after.end()) FAIL("an unknown record lies at offset " << s.offset.value());
    REQUIRE(known->key == s.key);
    REQUIRE(known->value == s.value);
    there.insert(s.offset);
    found.push_back(*known);
  }
  std::map<std::string, const Record*> latest;
  for (const Record& record : found) latest[record.key] = &record;
  for (const Record& record : before) {
    if (there.contains(record.offset)) continue;
    const auto newer = latest.find(record.key);
    const bool superseded = newer != latest.end() && newer->second->offset > record.offset;
    if (!compacted || !superseded) FAIL("lost: the record at offset " << record.offset.value());
  }
  for (const auto& [key, record] : latest) {
    LookupAnswer::Status status = LookupAnswer::Status::absent;
    std::string value;
    const ByteView keys[] = {key};
    partition.get(keys, false, [&](std::size_t, const LookupAnswer& answer) {
      status = answer.status;
      value = std::string(answer.value);
    });
    if (record->value) {
      REQUIRE(status == LookupAnswer::Status::found);
      REQUIRE(value == *record->value);
    } else {
      REQUIRE((status == LookupAnswer::Status::deleted || status == LookupAnswer::Status::absent));
    }
  }
}

// Nothing marked is left once everything queued has run; what nobody knows and nobody marked is kept.
void TopicsRun::check_directories(StorageStack& storage) {
  storage.pump();
  const auto entries = storage.data().list_partitions();
  REQUIRE_OK(entries);
  for (const auto& entry : *entries)
    if (entry.deletion_marked) FAIL("a deleted partition's files are still there: " << entry.directory_name);
}

// More of everything: records, a compaction, a topic under a name that was used before.
void TopicsRun::go_on(StorageStack& storage, Model& model) {
  for (const char* name : {"a", "b"}) {
    if (model.contains(name)) continue;
    const auto created = storage.create(name, 1);
    REQUIRE_OK(created);
    model[name] = {(*created)->record.id, (*created)->record.settings, {{}}};
  }
  for (auto& [name, topic] : model) {
    for (std::size_t i = 0; i < topic.partitions.size(); ++i) {
      apply_put(storage, model, name, static_cast<int>(i), "k", "later");
      REQUIRE_OK(storage.compact(*storage.topics().find(name)->partitions[i]));
    }
  }
  REQUIRE_OK(storage.compact(*storage.topics().find(kMetadataTopic)->partitions[0]));
}

void TopicsRun::check(CrashState& crash) {
  const Model& before = states_[std::min(crash.marks, states_.size() - 1)];
  const Model& after = states_[std::min(crash.marks + 1, states_.size() - 1)];
  const std::unique_ptr<MemoryFileSystem> image = std::move(crash.image);
  StorageStack storage(*image);
  REQUIRE_OK(storage.open(kNextBoot));
  Model model = check_topics(storage, before, after, false);
  go_on(storage, model);
  check_topics(storage, model, model, true);
  REQUIRE_OK(storage.stop());
  REQUIRE_OK(storage.open(kNextBoot));
  check_topics(storage, model, model, true);
  REQUIRE_OK(storage.remove("a"));
  model.erase("a");
  storage.kill();
  REQUIRE_OK(storage.open(kNextBoot));
  check_topics(storage, model, model, true);
}

std::unique_ptr<Recording> TopicsRun::recover(CrashState& crash) {
  std::unique_ptr<TopicsRun> second(new TopicsRun(std::move(crash.image),
                                                  states_[std::min(crash.marks, states_.size() - 1)],
                                                  states_[std::min(crash.marks + 1, states_.size() - 1)]));
  return second;
}

}  // namespace logcask::testing
