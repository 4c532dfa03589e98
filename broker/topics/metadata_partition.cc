#include "broker/topics/metadata_partition.h"

#include <algorithm>
#include <string>

#include "broker/topics/local_metadata_store.h"
#include "broker/topics/topic_name.h"

namespace logcask {

Result<std::shared_ptr<PartitionRunner>> open_metadata_partition(DataDirectory& data, PartitionFactory& factory) {
  PartitionSpec spec;
  spec.topic = std::string(kMetadataTopic);
  spec.topic_id = LocalMetadataStore::kTopicId;
  spec.partition = PartitionId(0);
  spec.internal = true;
  LOGCASK_ASSIGN(const auto entries, data.list_partitions());
  const std::string name = DataDirectory::partition_directory_name(spec.topic, spec.partition, spec.topic_id);
  spec.create = std::none_of(entries.begin(), entries.end(), [&](const auto& e) { return e.directory_name == name; });
  if (spec.create && !entries.empty())
    return Error{Errc::not_found, data.root().path() + " holds partitions but not " + name +
                                      ", which says what they are; restore it from a backup"};
  // Before the first topic it holds nothing.
  spec.finish_creation = !spec.create && entries.size() == 1;
  LOGCASK_ASSIGN(spec.config, make_topic_config({{"cleanup.policy", "compact"}, {"segment.bytes", "16777216"}}));
  LOGCASK_ASSIGN(auto partition, factory.open(spec));
  if (partition->marks().state == PartitionMarks::State::offline)
    return Error{Errc::partition_offline, "the metadata topic cannot be opened: " + partition->snapshot().reason +
                                              "; 'logcask verify DIR --repair' may help"};
  return partition;
}

}  // namespace logcask
