#pragma once
// Services over real partitions on an in-memory disk; no thread runs by itself.
//
// A test decides when the loop turns, when a background step runs and when the disk answers: run() does it all until
// nothing is left, turn_loop(), step_background() and the partitions' own executors do one at a time.

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "broker/services/fetch_service.h"
#include "broker/services/groups_service.h"
#include "broker/services/lookup_service.h"
#include "broker/services/offsets_service.h"
#include "broker/services/produce_service.h"
#include "broker/services/replay_service.h"
#include "broker/services/watch_service.h"
#include "tests/support/catch.h"
#include "tests/support/manual_loop.h"
#include "tests/support/partition_fixture.h"

namespace logcask::testing {

class MemoryMetadata final : public MetadataStore {
 public:
  Result<std::vector<TopicRecord>> load_topics() override;
  const std::vector<MetadataProblem>& problems() const override { return problems_; }
  Status put_topic(const TopicRecord& record) override;
  Status remove_topic(const std::string& name) override;
  Result<std::int64_t> reserve_producer_ids(std::int64_t count) override;

  std::map<std::string, TopicRecord> topics;
  std::function<void()> before_put;  // heard of before a topic is recorded
  bool fail_writes = false;
  Errc write_error = Errc::io_error;

 private:
  std::vector<MetadataProblem> problems_;
  std::int64_t next_id_ = 0;
};

// Partitions are PartitionFixtures, found again by their label when a topic is opened anew.
class FixtureFactory final : public PartitionFactory {
 public:
  Result<std::shared_ptr<PartitionRunner>> open(const PartitionSpec& spec) override;
  Status mark_deleted(const PartitionSpec& spec) override;
  Status remove(const PartitionSpec& spec) override;

  std::map<std::string, std::unique_ptr<PartitionFixture>> partitions;
  std::vector<std::string> marked, removed;
  // What topics made from now on are asked, when set.
  struct Asked {
    std::size_t keys_looked_up = 0, keys_watched = 0, most_at_once = 0;
    std::size_t marks_asked = 0;
    std::size_t placed = 0;  // times a partition was asked to take another placement
    std::function<void()> before_placing;
    bool never_opened = false;     // a reopen says so, and the topic's registry opens anew
    std::set<std::string> hashed;  // keys whose identity came along
  };
  Asked* asked = nullptr;
  std::uint32_t opened_under = 0;  // the placement of the last one
  bool loads_when_waited_for = false;
  std::function<void()> before_loading;  // once somebody waits
};

class ServiceFixture {
 public:
  ServiceFixture();
  ~ServiceFixture();

  TopicPtr create(const std::string& name, int partitions = 1, const SettingMap& settings = {});
  PartitionFixture& partition(const std::string& topic, int number = 0);
  CallContext context() { return {principal, loop, view}; }

  void run();
  bool turn_loop() { return loop.turn(); }
  bool step_background() { return background.run_one(); }

  // Produces one record and lets the disk answer.
  AppendResult put(const std::string& topic, const std::string& key, const std::optional<std::string>& value,
                   int partition = 0);

  // The partition's disk fails a sync: it is read-only, and what was committed before stays readable.
  void make_read_only(const std::string& topic);

  Principal principal;
  ManualLoop loop;
  ManualExecutor background;
  ManualClock clock;
  KeyHasher hasher;
  AllowAll authorizer;
  Metrics metrics;
  MemoryMetadata metadata;
  FixtureFactory factory;
  Topics topics;
  TopicView view;
  ServiceParts parts;
  ProduceService produce;
  FetchService fetch;
  OffsetsService offsets;
  LookupService lookup;
  WatchService watch;
  ReplayService replay;
};

}  // namespace logcask::testing
