#pragma once
// How the registry of topics gets its partitions. disk_partition_factory.h is the real form.
//
// Threads: open() from several threads at once, for different partitions. All calls may block on the disk.

#include <memory>
#include <string>

#include "base/result.h"
#include "base/types.h"
#include "broker/door/partition_runner.h"
#include "broker/settings/topic_config.h"

namespace logcask {

struct PartitionSpec {
  std::string topic;
  TopicId topic_id;
  PartitionId partition;
  TopicConfig config;
  int partition_count = 1;
  bool internal = false;
  bool create = false;  // the directory must not exist; otherwise it must
  // The directory exists, but nothing else may be there yet: its creation may have been interrupted.
  bool finish_creation = false;

  std::string label() const { return topic + "-" + std::to_string(partition.value()); }
};

class PartitionFactory {
 public:
  virtual ~PartitionFactory() = default;

  // Recovers the log and returns; the keydir may go on loading. An error means that nothing can be served; with
  // `create`, also that the new partition could not be opened.
  virtual Result<std::shared_ptr<PartitionRunner>> open(const PartitionSpec& spec) = 0;
  // A topic's settings as its partitions take them, with the broker's own budgets filled in.
  virtual PartitionConfig partition_config(const TopicConfig& config) const { return config.partition; }
  // invalid_config when the settings ask for more than this broker has left, beside what other topics have asked for.
  virtual Status fits(const TopicId&, const TopicConfig&) const { return {}; }
  // keydir_budget_exceeded when the budgets have no room for so many keys of a topic with these settings.
  virtual Status has_room(const TopicConfig&, std::uint64_t keys) const {
    (void)keys;
    return {};
  }
  // What is shared by a topic's partitions follows its settings.
  virtual void settings_changed(const TopicId&, const TopicConfig&) {}
  // One past the highest partition that there is a directory of; 0: none. Errors of the disk.
  virtual Result<std::size_t> directories_of(const TopicId&) { return std::size_t{0}; }
  // Durable: from now on the partition's files are garbage.
  virtual Status mark_deleted(const PartitionSpec& spec) = 0;
  // Takes that back. On failure nobody knows whether the files are garbage.
  virtual Status unmark_deleted(const PartitionSpec& spec) {
    return Error{Errc::unsupported, spec.label() + ": a deletion cannot be taken back"};
  }
  // Removes the files of a marked and closed partition.
  virtual Status remove(const PartitionSpec& spec) = 0;
  // Takes back what open() with `create` has made, or made in part. For a topic that nobody has been told of and whose
  // record was not written: a full disk has no room for a marker, and none is needed.
  virtual Status discard(const PartitionSpec& spec) {
    LOGCASK_TRY(mark_deleted(spec));
    return remove(spec);
  }
  // The same of a partition that was to join a topic which is there, and stays.
  virtual Status take_back(const PartitionSpec& spec) { return remove(spec); }
};

}  // namespace logcask
