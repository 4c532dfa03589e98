#pragma once
// A consumer's place in its group: joins, shares out when it leads, tells the broker that it is alive, joins again when
// the group shares out anew. Internal to client/.
//
// What the consumer does about it is its own affair: it asks for news() in every poll, and says when it has given up
// what it read (join()). Heartbeats go on meanwhile, on the client's I/O thread, as long as the consumer polls at least
// once in rebalance_timeout_ms; after that the member leaves, since somebody who does not work must hold no partitions.
//
// Threads: news(), join(), polling() and leave() belong to the consumer's thread; the answers come on the I/O thread.
// One mutex guards the state; on_news runs outside of it, on the I/O thread.

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "client/assignor.h"
#include "client/core.h"
#include "client/member_claim.h"
#include "logcask/consumer.h"

namespace logcask::client {

class LOGCASK_HIDDEN Membership : public std::enable_shared_from_this<Membership> {
 public:
  Membership(std::shared_ptr<Core> core, std::string topic, const ConsumerOptions& options,
             std::function<void()> on_news);

  struct News {
    enum class Kind : std::uint8_t {
      none,
      give_up,   // the group shares out anew: commit, then join()
      lost,      // the session has ended, and others may read already: join()
      assigned,  // a share, which may be empty; told until taken()
      failed,    // no member any more, for good: told by every call
    };
    Kind kind = Kind::none;
    std::vector<PartitionId> partitions;  // assigned
    Error error{Errc::ok, {}};            // lost, failed: why
  };
  News news() const;
  void taken();
  // Why the broker keeps the member out of its group, while that may pass; Errc::ok otherwise. Any thread.
  Error trouble() const;
  // Joins the group, anew when it is a member.
  void join();
  // A poll begins, or has ended.
  void polling(bool begins);
  // unknown_member_id while it is none.
  Result<MemberClaim> claim() const;
  // Names the group, where the broker has not.
  Error of_group(const Error& error) const;
  // For good. A static member keeps its place until its session ends; `done` runs on the I/O thread.
  void leave(CallOptions call, Callback<void> done);

 private:
  enum class State : std::uint8_t { outside, joining, syncing, member, ended };
  using Epoch = std::uint64_t;
  // Of the answer to a call made in that epoch; nothing when things have gone on since.
  template <class Take>
  ResponseHandler answer(Epoch epoch, Take take);

  // A join or a sync: the group answers when it is ready, and leave() ends it.
  void wait_for(Epoch epoch, v1::RequestHeader& request, void (Membership::*take)(Epoch, const Result<Response>&));
  void waited(std::uint64_t wait);
  void send_join(Epoch epoch);
  void joined(Epoch epoch, const Result<Response>& response);
  void lead(Epoch epoch, const v1::JoinGroupResponse& joined);
  void share_out(Epoch epoch, std::vector<SharingMember> members);
  void send_sync(Epoch epoch, const Shares& shares);
  void synced(Epoch epoch, const Result<Response>& response);
  void beat_later(Epoch epoch);
  void beat(Epoch epoch);
  void beaten(Epoch epoch, const Result<Response>& response);
  void look_at_topics(Epoch epoch);
  std::int64_t next_look_ms() const;
  void ask_counts(Epoch epoch, std::function<void(Result<PartitionCounts>)> done);
  // After an error: what to do about it, and about what it means for the member's id.
  void refused(Epoch epoch, const Error& error, void (Membership::*again)(Epoch));
  void sync_again(Epoch epoch);
  // These, too, do nothing when things have gone on since.
  void tell(Epoch epoch, News::Kind kind, Error error = {Errc::ok, {}});
  void end_silently(Epoch epoch);
  // Only whether it is worth going on: whoever changes the state compares again under the lock it changes it under.
  bool current(Epoch epoch) const;

  const std::shared_ptr<Core> core_;
  const std::string topic_, group_, instance_id_;
  const std::int64_t session_timeout_ms_, rebalance_timeout_ms_, heartbeat_interval_ms_, metadata_max_age_ms_;
  const std::function<void()> on_news_;

  mutable std::mutex mutex_;
  // All below is guarded by it.
  State state_ = State::outside;
  Epoch epoch_ = 0;              // of the last join or end: answers of earlier ones are nobody's
  std::uint64_t wait_ = 0;       // counts joins and syncs, and their answers: who has the number waits
  std::uint64_t waits_for_ = 0;  // the call of that wait, once it is known; 0: none
  MemberClaim claim_;
  std::string protocol_;
  bool leads_ = false;
  Shares shares_;                          // of a leader whose sync is on its way
  std::vector<std::string> topics_;        // that the members read, of a leader
  std::optional<PartitionCounts> counts_;  // by which it has shared out; not known yet, when it came back to lead
  std::int64_t topics_due_ms_ = 0;         // when it looks whether they are still right
  std::int64_t last_poll_ms_ = 0;
  bool polls_ = false;
  std::int64_t backoff_ms_ = 0;
  News news_;
  Error trouble_{Errc::ok, {}};  // what last kept it out, and when
  std::int64_t trouble_ms_ = 0;
};

}  // namespace logcask::client
