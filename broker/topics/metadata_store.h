#pragma once
// Where topics and reserved producer ids are remembered. Embedded: an internal topic
// (local_metadata_store.h). A cluster would put it elsewhere, behind this face.
//
// Threads: the caller serialises writes (broker/topics/topics.h does). Calls block until what they say is durable.

#include <string>
#include <vector>

#include "base/result.h"
#include "broker/topics/topic_record.h"

namespace logcask {

// An entry that could not be read. It is reported and kept; it never means that the thing is gone.
struct MetadataProblem {
  std::string key;
  std::string reason;
};

class MetadataStore {
 public:
  virtual ~MetadataStore() = default;

  virtual Result<std::vector<TopicRecord>> load_topics() = 0;
  virtual const std::vector<MetadataProblem>& problems() const = 0;
  virtual Status put_topic(const TopicRecord& record) = 0;
  virtual Status remove_topic(const std::string& name) = 0;
  // The first of `count` producer ids that nobody was ever given. Any thread.
  virtual Result<std::int64_t> reserve_producer_ids(std::int64_t count) = 0;
};

}  // namespace logcask
