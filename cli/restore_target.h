#pragma once
// A data directory whose broker is stopped, or that has none yet, opened to be given topics.
//
// Holds the directory's lock, so no broker starts meanwhile. What the broker keeps in it is written by the broker's own
// rooms: the metadata topic through its partition and LocalMetadataStore, partitions through DataDirectory. Partitions
// that are there are not opened, but for the broker's own. Threads: one at a time; it has two of its own for the disk.

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "broker/data_directory.h"
#include "broker/door/partition_runner.h"
#include "broker/topics/internal_batch.h"
#include "broker/topics/topic_record.h"

namespace logcask::cli {

class RestoreTarget {
 public:
  // Creates the directory when it is missing. in_use while a broker has it. What an earlier restore has left half done
  // is removed.
  static Result<std::unique_ptr<RestoreTarget>> open(const std::string& path);
  ~RestoreTarget();

  DataDirectory& data();
  const KeyHasher& hasher() const;
  const Clock& clock() const;
  // Whether a topic of that name may be made; topic_exists names what is in its way.
  Status check_new(const std::string& name) const;
  // Makes the topic known whose partitions' directories are there, whole, durable and marked as deleted: it exists from
  // when the last marker is gone, and until then the next start of a broker removes it.
  Status publish(const TopicRecord& record);
  // Appends to the topic of consumer groups, which is made when there is none.
  Status append_group_records(const std::vector<InternalRecord>& records);
  // Durable, and as a broker leaves it that stops in order.
  Status close();

 private:
  struct Parts;
  explicit RestoreTarget(std::unique_ptr<Parts> parts);
  Status load();
  Status remove_half_done();
  Result<std::shared_ptr<PartitionRunner>> offsets_partition();

  const std::unique_ptr<Parts> parts_;
};

}  // namespace logcask::cli
