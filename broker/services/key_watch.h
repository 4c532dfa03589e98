#pragma once
// One open Watch: registers its keys, sends the current value of each, then every change while there is credit.
//
// Registration and sending go on in turns of the loop, others in between. A turn's cost does not grow with what is
// watched: kRegistrationsPerTurn keys are registered, or kEventsPerTurn events sent. With partitioner `any` each key is
// watched in every partition, and its current value is read from those that hold it.
//
// What a key's watcher is told never goes back: each event has an offset at or above the last one of that key and
// partition. A key that is gone is told at the newest of its own offsets that is known.
//
// Loop thread only. Owned by the listener's table of open calls and by the callbacks' weak references.

#include <deque>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "broker/services/lookup_merge.h"
#include "broker/services/point_reader.h"
#include "broker/services/watch_service.h"

namespace logcask {

class KeyWatch final : public OpenCall, public std::enable_shared_from_this<KeyWatch> {
 public:
  static constexpr std::size_t kRegistrationsPerTurn = 2048;
  static constexpr std::size_t kEventsPerTurn = 512;

  // `queues` outlives it.
  KeyWatch(const ServiceParts& parts, WatchQueues& queues, EventLoop& loop, TopicPtr topic,
           std::span<const ByteView> keys, WatchOptions options, std::unique_ptr<WatchSink> sink);
  ~KeyWatch() override;

  // How often such a watch registers a key with a partition.
  static std::size_t registrations(const Topic& topic, PartitionId partition, std::size_t keys);

  // The first turn. After an error the sink is not called.
  Status start();
  void add_credit(std::uint64_t bytes) override;
  void cancel(const Error& reason) override { end(reason); }

 private:
  // A key as one partition sees it.
  struct WatchedKey {
    Offset last_sent = kNoOffset;
    Offset last_heard = kNoOffset;  // of the newest change the partition has told
    std::uint32_t key_index = 0;
    bool stale = false;    // in the source's stale list: the newest version is to be sent
    bool expired = false;  // as the newest change says
  };
  struct Source {
    PartitionId partition;
    std::shared_ptr<PartitionRunner> runner;
    std::vector<WatchedKey> keys;
    std::vector<PartitionRunner::WaitId> ids;
    std::deque<KeyChange> changes;
    std::deque<std::uint32_t> stale;
    bool queued = false;  // in ready_
  };
  // What the watcher was told of a partition's runs, so that whoever comes back can tell whether it is to the same log.
  struct Told {
    std::shared_ptr<const RunHistory> runs;  // null until registered there
    Offset seen_to;                          // one past the highest offset sent
    RunId run = kNoRun;                      // of that
  };
  // A key whose current value is the newest one of several partitions.
  struct Merged {
    std::uint32_t key_index = 0;
    std::vector<std::uint32_t> holders;  // sources that have a record of it
  };

  void distribute(PartitionId partition);
  bool registered() const { return next_source_ == sources_.size(); }
  Status register_some();
  Status register_chunk(std::uint32_t s, std::size_t first, std::size_t count);
  void hash_chunk(const Source& source, std::size_t first, std::size_t count);
  void note_current(std::uint32_t s, std::size_t i, const PartitionRunner::WatchStart::Key& current);
  void changed(std::uint32_t s, std::size_t first, const Result<std::vector<KeyChange>>& changes);
  void changes_queued(std::size_t count);
  void changes_left(std::size_t count);
  bool too_many_queued() const;
  void fall_behind(Source& source);
  void make_stale(std::uint32_t s, std::size_t i);
  void make_ready(std::uint32_t s);
  void schedule();
  void turn();
  void send_some();
  void pump_source(std::uint32_t s, std::size_t& events);
  bool send_merged(const Merged& merged, std::size_t& events);
  bool send_newest(Source& source, std::size_t i);
  bool send_change(Source& source, PointReader& reader, const KeyChange& change);
  bool look(PartitionRunner& runner, const LookupKeys& key, BestAnswers& best, PartitionId partition);
  bool has_seen(const LookupResult& event) const;
  Offset last_seen(std::size_t key_index) const { return last_seen_.empty() ? kNoOffset : last_seen_[key_index]; }
  void tell_run(const LookupResult& event);
  bool emit(const LookupResult& event);
  void unregister();
  void end(Error reason);

  const ServiceParts& parts_;
  WatchQueues& queues_;
  EventLoop& loop_;
  const TopicPtr topic_;
  const PartitionId partition_;
  const std::vector<std::string> keys_;
  const std::vector<Offset> last_seen_;
  const std::vector<SeenPosition> positions_;
  const bool everywhere_;            // each key in several partitions
  std::int64_t credit_;              // may go below zero by one event
  std::unique_ptr<WatchSink> sink_;  // null once ended
  std::vector<Source> sources_;
  std::vector<Told> told_;  // by partition
  // Where registration goes on: everywhere_, a chunk of keys with every source; else a source with all its keys.
  std::uint32_t next_source_ = 0;
  std::size_t next_key_ = 0;
  std::vector<ByteView> chunk_;  // the keys being registered, hashed
  std::vector<KeyIdentity> identities_;
  std::vector<Merged> chunk_holders_;
  std::deque<Merged> merged_;
  std::deque<std::uint32_t> ready_;  // sources with something to send
  std::size_t queued_changes_ = 0;   // of all sources; counted in queues_, too
  bool scheduled_ = false;
};

}  // namespace logcask
