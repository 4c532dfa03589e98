#pragma once
// What happens to topics, recorded: created, written to, altered, deleted, created again; and the check of every disk
// image that a power loss at any moment may leave behind.
//
// One mark after each thing done. An image between two marks must hold what the first promised, may hold what the
// second did, and nothing else: no topic half there, none back from the dead, no record lost or of another topic.

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/crash/recording.h"
#include "tests/crash/storage_stack.h"

namespace logcask::testing {

class TopicsRun final : public Recording {
 public:
  // A first start.
  explicit TopicsRun(std::unique_ptr<MemoryFileSystem> disk);

  const MemoryFileSystem& disk() override { return *disk_; }
  void check(CrashState& crash) override;
  std::unique_ptr<Recording> recover(CrashState& crash) override;

  StorageStack& storage() { return storage_; }
  // Everything so far is certain, and the record begins here.
  void begin();
  void create(const std::string& name, int partitions);
  void alter(const std::string& name, const std::string& setting, const std::string& value);
  void remove(const std::string& name);
  void put(const std::string& name, int partition, const std::string& key, std::optional<std::string> value);
  void restart();

 private:
  struct Record {
    Offset offset;
    std::string key;
    std::optional<std::string> value;
  };
  struct TopicModel {
    TopicId id;
    SettingMap settings;
    std::vector<std::vector<Record>> partitions;
  };
  using Model = std::map<std::string, TopicModel>;

  TopicsRun(std::unique_ptr<MemoryFileSystem> image, Model before, const Model& after);
  void mark();
  static void apply_put(StorageStack& storage, Model& model, const std::string& name, int partition,
                        const std::string& key, std::optional<std::string> value);
  // What is there of what must and what may be; `compacted`: older versions may be gone.
  static Model check_topics(StorageStack& storage, const Model& before, const Model& after, bool compacted);
  static void check_partition(PartitionRunner& partition, const std::vector<Record>& before,
                              const std::vector<Record>& after, bool compacted, std::vector<Record>& found);
  static void check_directories(StorageStack& storage);
  static void go_on(StorageStack& storage, Model& model);

  const std::unique_ptr<MemoryFileSystem> disk_;
  StorageStack storage_;
  Model model_;
  std::vector<Model> states_;  // by number of marks
};

}  // namespace logcask::testing
