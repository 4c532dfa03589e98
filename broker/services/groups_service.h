#pragma once
// Committed offsets of consumer groups: an internal compacted topic in Kafka's encoding, read through our own keydir.
//
// Which groups have commits is an index in RAM, filled by one replay at first use and kept up to date by the commits
// that pass here. All calls block on the disk: not on an I/O thread.

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "broker/services/call_context.h"
#include "broker/services/offset_commit_codec.h"

namespace logcask {

struct OffsetCommit {
  std::string topic;
  PartitionId partition;
  Offset offset;  // -1 deletes the commit
  LeaderEpoch leader_epoch{-1};
  std::string metadata;
  RunId run = kNoRun;  // that the offset was read in; without one it counts as read in the topic as it is
};

struct CommittedOffset {
  std::string topic;
  PartitionId partition;
  std::optional<OffsetCommitValue> value;  // nothing: no commit
  // Of the partition, for the lag, which counts from log_start_offset at the earliest; -1 when it is gone.
  Offset committed_end = kNoOffset;
  Offset log_start_offset = kNoOffset;
  Status changed;  // topic_changed: the commit is of another log of that name, and nobody goes on from it
};

struct GroupSummary {
  std::string name;
  std::size_t partitions = 0;
};

class GroupsService {
 public:
  explicit GroupsService(const ServiceParts& parts) : parts_(parts) {}

  // One status per commit. All that are fine on their own are written as one batch. Needs the right to write the group
  // and to read each topic. An offset below log start is kept as log start; one that was never given out is refused
  // (offset_out_of_range).
  Result<std::vector<Status>> commit(const Principal& principal, const std::string& group,
                                     const std::vector<OffsetCommit>& commits);
  // Empty `wanted` = everything the group has committed for topics the caller may describe; a topic that is named and
  // that it may not is permission_denied.
  Result<std::vector<CommittedOffset>> fetch(const Principal& principal, const std::string& group,
                                             std::vector<std::pair<std::string, PartitionId>> wanted);
  Result<std::vector<GroupSummary>> list(const Principal& principal);

  // Where the next commit is recorded. Does not block.
  Offset commits_end() const;
  // Deletes all groups' commits for a topic that is gone, those recorded before `end`: a topic made anew under its name
  // has other records at those offsets.
  Status forget_topic(const std::string& topic, Offset end);

 private:
  struct Record {
    OffsetCommitKey key;
    std::optional<OffsetCommitValue> value;  // nothing deletes the commit
  };
  using Partitions = std::map<std::pair<std::string, PartitionId>, Offset>;  // to the offset of the commit's record

  // commit() and fetch() without their counters.
  Result<std::vector<Status>> commit_now(const Principal& principal, const std::string& group,
                                         const std::vector<OffsetCommit>& commits);
  Result<std::vector<CommittedOffset>> fetch_now(const Principal& principal, const std::string& group,
                                                 std::vector<std::pair<std::string, PartitionId>> wanted);
  Result<TopicPtr> offsets_topic();
  Status write(PartitionRunner& offsets, const std::vector<Record>& records);
  Status ensure_index();
  void index_commit(const OffsetCommitKey& key, Offset record_offset, bool deleted);
  Result<Offset> check(const Principal& principal, const OffsetCommit& commit) const;

  const ServiceParts& parts_;
  std::mutex load_mutex_;  // one replay at a time
  std::mutex index_mutex_;
  bool indexed_ = false;                     // guarded by index_mutex_
  std::map<std::string, Partitions> index_;  // guarded; during the replay it also holds deletions, as -1 - offset
};

}  // namespace logcask
