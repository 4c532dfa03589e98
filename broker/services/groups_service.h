#pragma once
// Committed offsets of consumer groups: records of the offsets topic in Kafka's encoding, read through our own keydir.
//
// Which groups have commits is an index in RAM, kept up to date by the commits that pass here. One replay fills it at
// the start, and brings the coordinators their groups back.
// Threads: any. Calls block on the disk, and are not for an I/O thread, unless they say otherwise.

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "broker/services/call_context.h"
#include "broker/services/consumer_group_coordinator.h"
#include "broker/services/group_coordinator.h"
#include "broker/services/group_metadata_codec.h"
#include "broker/services/offset_commit_codec.h"
#include "broker/services/offsets_topic.h"
#include "proto/record_batch.h"

namespace logcask {

struct OffsetCommit {
  std::string topic;
  PartitionId partition;
  Offset offset;  // -1 deletes the commit
  LeaderEpoch leader_epoch{-1};
  std::string metadata;
  RunId run = kNoRun;  // that the offset was read in; without one it counts as read in the topic as it is
};

struct CommitRequest {
  std::string group;
  GroupMemberClaim member;  // nobody: a consumer that is in no group, which may commit while the group has no members
  std::vector<OffsetCommit> commits;
  // As Kafka's clients expect it: any offset is taken, also beyond the end or below log start.
  bool any_offset = false;
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

class GroupsService {
 public:
  // All outlive it.
  GroupsService(const ServiceParts& parts, OffsetsTopic& offsets, GroupCoordinator& coordinator,
                ConsumerGroupCoordinator& consumers)
      : parts_(parts), offsets_(offsets), coordinator_(coordinator), consumers_(consumers) {}

  // The replay of the start; what needs it does it when it comes first. After an error it may be tried again.
  Status load();

  using CommitDone = std::function<void(Result<std::vector<Status>>)>;
  // One status per commit, or what the coordinator says against the member that commits. All that are fine on their own
  // are written as one batch. Needs the right to write the group and to read each topic. Unless `any_offset`, one below
  // log start is kept as log start and one that was never given out is refused (offset_out_of_range). Does not block;
  // `done` runs once, on any thread, possibly before this returns.
  void commit(const Principal& principal, CommitRequest request, CommitDone done);
  // Empty `wanted` = everything the group has committed for topics the caller may describe; a topic that is named and
  // that it may not is permission_denied.
  Result<std::vector<CommittedOffset>> fetch(const Principal& principal, const std::string& group,
                                             std::vector<std::pair<std::string, PartitionId>> wanted);
  // May a member of that id ask for what the group has committed, at that epoch
  // (ConsumerGroupCoordinator::check_fetch)?
  Status check_fetch(const std::string& group, const MemberId& member, GroupEpoch epoch) {
    return consumers_.check_fetch(group, member, epoch);
  }

  // How many partitions each group has commits for.
  Result<std::map<std::string, std::size_t>> groups();
  // The group that `name` means. A name is text; a group whose name is not (from before it had to be, or of Kafka's
  // files) goes by what shows it, utf8_text(), unless there is one of that very name. Such a group is read and deleted
  // by that name, and nobody joins it or commits for it any more. As far as the index knows by now. Does not block.
  std::string meant_by(const std::string& name) const;
  // Why what the disk holds of groups could not be read the last time that was tried; nothing once it has been. Does
  // not block.
  std::optional<Error> load_failure() const;
  // As far as the index knows by now. Does not block.
  bool has_commits(const std::string& group) const;
  // Where the next commit is recorded. Does not block.
  Offset commits_end() const;
  // Deletes all groups' commits for a topic that is gone, those recorded before `end`: a topic made anew under its name
  // has other records at those offsets.
  Status forget_topic(const std::string& topic, Offset end);
  // Deletes all that `group` has committed, recorded before `end`; expire(): what it has committed before `time`. They
  // block to find out what that is; `done` as in commit().
  void forget_group(const std::string& group, Offset end, std::function<void(Status)> done);
  void expire(const std::string& group, TimestampMs time, std::function<void(Status)> done);
  // Deletes these commits, whoever is in the group. Does not block; `done` as in commit().
  void forget(const std::string& group, const std::vector<std::pair<std::string, PartitionId>>& partitions,
              std::function<void(Status)> done);

 private:
  struct Record {
    OffsetCommitKey key;
    std::optional<OffsetCommitValue> value;  // nothing deletes the commit
  };
  using Partitions = std::map<std::pair<std::string, PartitionId>, Offset>;  // to the offset of the commit's record

  struct WaitingCommit {
    Principal principal;
    CommitRequest request;
    CommitDone done;
  };
  // False: there is no need to, and nothing was taken.
  bool wait_for_replay(const Principal& principal, CommitRequest& request, CommitDone& done);
  void commit_waiting();
  void refuse_waiting(const Error& error);
  void commit_now(const Principal& principal, const CommitRequest& request, CommitDone done);
  // fetch() without its counters.
  Result<std::vector<CommittedOffset>> fetch_now(const Principal& principal, const std::string& name,
                                                 std::vector<std::pair<std::string, PartitionId>> wanted);
  void write(std::vector<Record> records, std::function<void(Status)> done);
  // From `from` on, a batch after the other.
  void delete_all(std::shared_ptr<const std::vector<OffsetCommitKey>> keys, std::size_t from,
                  std::function<void(Status)> done);
  // Of the index, which is loaded for it if need be.
  Result<Offset> newest_readable(const OffsetCommitKey& key);
  Result<std::vector<std::optional<OffsetCommitValue>>> read_values(PartitionRunner& offsets,
                                                                    const std::vector<OffsetCommitKey>& keys);
  bool loaded() const;
  // The groups themselves, as the replay finds them.
  struct LoadedGroups {
    std::map<std::string, GroupMetadataValue> classic;
    std::map<std::string, ConsumerGroup::Stored> consumer;
  };
  Status load_records(PartitionRunner& offsets, LoadedGroups& groups);
  void load_record(const RecordView& record, LoadedGroups& groups);
  Status check_member(const std::string& group, const CommitRequest& request);
  void index_commit(const OffsetCommitKey& key, Offset record_offset, bool deleted);
  Result<Offset> check(const Principal& principal, const OffsetCommit& commit, bool any_offset) const;

  const ServiceParts& parts_;
  OffsetsTopic& offsets_;
  GroupCoordinator& coordinator_;
  ConsumerGroupCoordinator& consumers_;
  std::mutex load_mutex_;  // one replay at a time
  mutable std::mutex index_mutex_;
  bool indexed_ = false;                     // guarded by index_mutex_
  bool open_ = false;                        // guarded; commits are taken as they come
  std::optional<Error> load_failure_;        // guarded
  std::vector<WaitingCommit> waiting_;       // guarded; for the replay
  std::map<std::string, Partitions> index_;  // guarded; during the replay it also holds deletions, as -1 - offset
};

}  // namespace logcask
