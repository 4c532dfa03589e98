#pragma once
// Partitions on disk: from a spec to a directory and a runner that serves it.
//
// Owns what all partitions share (open files, arena, keydir budgets). Threads: as partition_factory.h says.

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/key_hash.h"
#include "broker/data_directory.h"
#include "broker/settings/config.h"
#include "broker/threads/executor.h"
#include "broker/topics/keydir_budgets.h"
#include "broker/topics/partition_factory.h"
#include "partition/page_arena.h"

namespace logcask {

struct SegmentEnvironment;

// Everything outlives the factory.
struct DiskPartitionParts {
  DataDirectory& data;
  const BrokerConfig& config;
  const KeyHasher& hasher;
  const Clock& clock;
  Executor& flush;
  Executor& background;
  std::uint64_t open_files_max = 1024;
  // What an operator should read: recovery reports, alarms.
  std::function<void(const std::string&)> note;
  std::function<void(const std::string&)> alarm;
  std::function<void()> compaction_wanted;
};

class DiskPartitionFactory final : public PartitionFactory {
 public:
  explicit DiskPartitionFactory(DiskPartitionParts parts);
  ~DiskPartitionFactory() override;

  Result<std::shared_ptr<PartitionRunner>> open(const PartitionSpec& spec) override;
  PartitionConfig partition_config(const TopicConfig& config) const override;
  Status fits(const TopicId& topic, const TopicConfig& config) const override { return budgets_.fits(topic, config); }
  Status has_room(const TopicConfig& config, std::uint64_t keys) const override {
    return budgets_.has_room(config, keys);
  }
  void settings_changed(const TopicId& topic, const TopicConfig& config) override;
  Result<std::size_t> directories_of(const TopicId& topic) override;
  Status mark_deleted(const PartitionSpec& spec) override;
  Status unmark_deleted(const PartitionSpec& spec) override;
  Status remove(const PartitionSpec& spec) override;
  Status discard(const PartitionSpec& spec) override;
  Status take_back(const PartitionSpec& spec) override;

  KeydirBudgets& budgets() { return budgets_; }
  // What the record cache of lookups holds and how often it was right; see Metrics::add_source.
  void add_cache_numbers(std::vector<std::pair<std::string, double>>& numbers) const;

 private:
  const DiskPartitionParts parts_;
  const std::shared_ptr<SegmentEnvironment> segments_;
  PageArena arena_;
  KeydirBudgets budgets_;
};

}  // namespace logcask
