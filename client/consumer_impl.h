#pragma once
// The working part of a Consumer: one fetch under way in the background, its answers queued for poll().

#include <condition_variable>
#include <mutex>

#include "client/chunk_decoder.h"
#include "client/core.h"
#include "client/fetch_state.h"
#include "client/membership.h"
#include "client/partition_count.h"
#include "logcask/admin.h"
#include "logcask/consumer.h"

namespace logcask::client {

// The next offset to be read, and the run that tells its log from another.
struct ReadPosition {
  Offset offset;
  RunId run = kNoRun;
};

struct Consumer::Impl : std::enable_shared_from_this<Consumer::Impl> {
  Impl(std::shared_ptr<Core> shared_core, std::string topic_name, std::vector<PartitionId> ids, ConsumerOptions given);

  // Any thread.
  void fetch_more();
  void on_response(const std::vector<FetchState::Question>& questions, Result<Response> response);
  void pause_and_fetch();
  void stop();
  void group_news();
  // Before anybody else sees it.
  void follow_growth(const Client& of, const TopicInfo& info, const StartAt& from);
  void counted(std::size_t partitions_there);
  // For good; stop() and leave. Consumer's thread.
  Status close(CallOptions call, bool waits);
  void end();

  // The consumer's thread.
  Result<PollResult> poll(std::int64_t max_wait_ms);
  Result<PollResult> poll_records(std::int64_t max_wait_ms);
  // What the group has to say. True: the poll tells that, and brings no records.
  Result<bool> follow_group(PollResult& result, std::int64_t max_wait_ms);
  // Partitions that the topic has more than are read. Looked at under the lock.
  bool grown() const { return count && partition_count > partitions.size(); }
  bool has_grown() const {
    const std::lock_guard lock(mutex);
    return grown();
  }
  Status take_added(PollResult& result, std::int64_t max_wait_ms);
  void give_up_partitions();
  Result<bool> take_share(const std::vector<PartitionId>& share, std::int64_t max_wait_ms);
  Result<std::optional<MemberClaim>> claim() const;
  void decode_current();
  bool begin_next(PollResult& result, Error& error);
  Status seek(PartitionId partition, Offset offset);
  Status commit(const std::map<PartitionId, ReadPosition>& next, CallOptions call);
  void commit_async(const std::map<PartitionId, ReadPosition>& next, Callback<void> done);
  std::map<PartitionId, ReadPosition> as_read(const std::map<PartitionId, Offset>& next_offsets) const;
  std::map<PartitionId, ReadPosition> positions() const;
  // Any thread.
  void wake_up();
  Contact contact() const;

  std::shared_ptr<Core> core;
  const std::string topic;
  std::vector<PartitionId> partitions;  // of the consumer's thread
  const ConsumerOptions options;
  // Set once, before anybody else sees them.
  std::shared_ptr<Membership> membership;  // of a member
  std::shared_ptr<PartitionCount> count;   // of a consumer of all partitions
  std::optional<Client> client;            // of both

  mutable std::mutex mutex;
  std::condition_variable news;
  FetchState state;
  std::uint64_t request_id = 0;  // of the fetch under way
  bool fetching = false;
  bool stopped = false;
  std::optional<Error> broken;  // the fetch as a whole was refused; told by one poll
  bool woken = false;
  bool group_calls = false;         // the group has news
  std::size_t partition_count = 0;  // of the topic, as last seen
  Error trouble{Errc::ok, {}};      // for which the last answer brought nothing, while that may pass

  // The consumer's thread only.
  ChunkDecoder decoder;
  std::vector<PartitionId> commits_not_used;
  StartAt start;  // of all partitions, or of a member's first share
  bool first_share = true;
  bool has_share = true;             // of a member that waits for one: false
  bool revoke_told = false;          // the next poll gives up what is read
  std::optional<FetchedItem> item;   // at hand in the decoder
  std::optional<Error> undecodable;  // told by the poll after the records before it
  std::vector<ReadRecord> records;
};

}  // namespace logcask::client
