#pragma once
// The metadata store on one node: the internal compacted topic __logcask_metadata, one partition.
//
// Read from start to end at open, so it needs no keydir. The last record of a key counts. A record that cannot
// be read is a problem to report, never a deletion.

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/key_hash.h"
#include "broker/door/partition_runner.h"
#include "broker/topics/metadata_store.h"

namespace logcask {

class LocalMetadataStore final : public MetadataStore {
 public:
  // The well-known id of the metadata topic, the same in every data directory.
  static const TopicId kTopicId;

  LocalMetadataStore(std::shared_ptr<PartitionRunner> runner, const KeyHasher& hasher, const Clock& clock);

  Result<std::vector<TopicRecord>> load_topics() override;
  const std::vector<MetadataProblem>& problems() const override { return problems_; }
  Status put_topic(const TopicRecord& record) override;
  Status remove_topic(const std::string& name) override;
  Result<std::int64_t> reserve_producer_ids(std::int64_t count) override;

 private:
  const std::shared_ptr<PartitionRunner> runner_;
  const KeyHasher& hasher_;
  const Clock& clock_;
  std::vector<MetadataProblem> problems_;
  std::mutex ids_mutex_;
  std::int64_t next_producer_id_ = 0;  // guarded by ids_mutex_
};

}  // namespace logcask
