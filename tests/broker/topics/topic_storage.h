#pragma once
// Topics over real partitions on a disk in memory, with real threads behind them. The metadata outlives a restart.

#include <memory>
#include <string>

#include "broker/data_directory.h"
#include "broker/threads/thread_executor.h"
#include "broker/topics/disk_partition_factory.h"
#include "tests/broker/services/service_fixture.h"

namespace logcask::testing {

struct TopicStorage {
  explicit TopicStorage(std::int64_t keydir_total_max_bytes = 1 << 20,
                        std::unique_ptr<MemoryFileSystem> found = std::make_unique<MemoryFileSystem>())
      : image(std::move(found)), disk(*image) {
    config.keydir_total_max_bytes = keydir_total_max_bytes;
    config.tail_buffer_bytes = 1 << 20;
    config.pending_records_max = 1 << 16;
    start();
  }
  ~TopicStorage() { stop(); }

  void start() {
    // A failed creation closes partitions, which waits for what they do in the background.
    flush = std::make_unique<ThreadExecutor>("flush", 1, system_clock());
    background = std::make_unique<ThreadExecutor>("background", 1, system_clock());
    data = *DataDirectory::open(disk.root(), "boot");
    const auto quiet = [](const std::string&) {};
    factory = std::make_unique<DiskPartitionFactory>(
        DiskPartitionParts{*data, config, hasher, clock, *flush, *background, 64, quiet, quiet, [] {}});
    topics = std::make_unique<Topics>(metadata, *factory, clock, Topics::Limits());
  }
  void stop() {
    topics->close({Errc::shutting_down, "the test stops"}, 1);
    flush->stop();
    background->stop();
    topics.reset();
    factory.reset();
    data.reset();
  }
  PartitionSnapshot::State state(const std::string& topic, std::size_t partition) {
    return topics->find(topic)->partitions[partition]->snapshot().state;
  }

  const std::unique_ptr<MemoryFileSystem> image;
  MemoryFileSystem& disk;
  BrokerConfig config;
  KeyHasher hasher{KeyHasher::Secret{}};
  ManualClock clock;
  MemoryMetadata metadata;
  std::unique_ptr<ThreadExecutor> flush, background;
  std::unique_ptr<DataDirectory> data;
  std::unique_ptr<DiskPartitionFactory> factory;
  std::unique_ptr<Topics> topics;
};

}  // namespace logcask::testing
