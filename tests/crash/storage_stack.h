#pragma once
// The storage half of a broker on a disk in memory, on one thread: data directory, metadata topic, topics, partitions.
//
// Opens as broker/broker.cc does. What the broker gives to its executors waits in queues until somebody needs it.

#include <functional>
#include <memory>
#include <string>

#include "broker/data_directory.h"
#include "broker/topics/disk_partition_factory.h"
#include "broker/topics/local_metadata_store.h"
#include "broker/topics/topics.h"
#include "tests/crash/pumped_runner.h"
#include "tests/support/partition_fixture.h"

namespace logcask::testing {

class StorageStack {
 public:
  explicit StorageStack(MemoryFileSystem& disk) : disk_(disk) {}
  ~StorageStack() { kill(); }
  StorageStack(const StorageStack&) = delete;
  StorageStack& operator=(const StorageStack&) = delete;

  // `boot_id` changes when the machine has been restarted.
  Status open(const std::string& boot_id);
  // An orderly stop: everything flushed, the directory marked clean.
  Status stop();
  // kill -9: nothing is flushed.
  void kill();

  Topics& topics() { return *parts_->topics; }
  DataDirectory& data() { return *parts_->data; }
  ManualClock& clock() { return clock_; }
  // What opening had to say: reports of recovery.
  const std::string& notes() const { return notes_; }
  // Runs everything that is queued.
  void pump();

  Result<TopicPtr> create(const std::string& name, std::int64_t partitions);
  Status remove(const std::string& name);
  // Waits for the disk; with Acks::one for the write only, and what is queued stays queued.
  AppendResult append(const std::string& topic, int partition, const std::string& key,
                      const std::optional<std::string>& value, Acks acks = Acks::all);
  LocalPartitionRunner& local(PartitionRunner& partition);
  // Everything that can be cleaned is. Not on a partition that is offline.
  Status compact(PartitionRunner& partition);

 private:
  class Factory;
  struct Parts {
    BrokerConfig config;
    std::unique_ptr<DataDirectory> data;
    std::unique_ptr<KeyHasher> hasher;
    std::unique_ptr<DiskPartitionFactory> disk_factory;
    std::unique_ptr<PartitionFactory> factory;
    std::shared_ptr<PartitionRunner> metadata_partition;
    std::unique_ptr<LocalMetadataStore> metadata;
    std::unique_ptr<Topics> topics;
  };
  Status open_metadata();
  Status open_topics();

  MemoryFileSystem& disk_;
  ManualClock clock_;
  ManualExecutor flush_;
  ManualExecutor background_;
  std::string notes_;
  std::unique_ptr<Parts> parts_;
};

}  // namespace logcask::testing
