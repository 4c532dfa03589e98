#pragma once
// The internal topic of consumer groups, `__consumer_offsets`: one compacted partition with committed offsets
// (offset_commit_codec.h) and the groups themselves (group_metadata_codec.h, consumer_group_codec.h), made when the
// first of them is written.
//
// Threads: any.

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "broker/services/call_context.h"
#include "broker/services/consumer_group_store.h"
#include "broker/services/group_store.h"
#include "broker/topics/internal_batch.h"

namespace logcask {

// As it is made.
SettingMap offsets_topic_settings();

class OffsetsTopic final : public GroupStore, public ConsumerGroupStore {
 public:
  // `parts` outlives it, and it outlives every append.
  explicit OffsetsTopic(const ServiceParts& parts) : parts_(parts) {}

  // Null before the first write.
  std::shared_ptr<PartitionRunner> partition() const;
  // One batch: all of it or nothing. `done` hears the offset of the first record once that is on disk: once, on any
  // thread, possibly before this returns. Does not block.
  void append(std::vector<InternalRecord> records, std::function<void(Result<Offset>)> done);
  void save(std::string key, std::optional<std::string> value, std::function<void(Status)> done) override;
  void save_all(std::vector<InternalRecord> records, std::function<void(Status)> done) override;

 private:
  void append_to(PartitionRunner& partition, const std::vector<InternalRecord>& records,
                 std::function<void(Result<Offset>)> done);

  struct Waiting {
    std::vector<InternalRecord> records;
    std::function<void(Result<Offset>)> done;
  };
  void make_topic();

  const ServiceParts& parts_;
  std::mutex mutex_;
  std::vector<Waiting> waiting_;  // guarded; for the topic
  bool making_ = false;           // guarded; appends queue up, so that they keep their order
};

}  // namespace logcask
