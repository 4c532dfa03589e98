#pragma once
// The broker's compaction: a few threads that look for what is due, garbage first, and do what they are asked for.
//
// About every 15 s (with jitter), and when told that something may have become due, every partition is asked what its
// next rewrite would remove; those with most garbage go first, one rewrite each, then all are asked again. Requests go
// ahead of that. One partition is compacted by one thread at a time. One that fails is left alone for a while, longer
// each time, and reported once; one that is quarantined is left alone until it is reopened. Others go on.
// The threads run at a lower priority, step aside while a partition's appends wait, and keep to
// compaction.max.bytes.per.second. A partition whose garbage grows faster than that removes it (is_behind) goes to one
// thread more, which only keeps to the limit: a rewrite that is under way then is begun anew there.
//
// Threads: every function may be called from any thread, cancel() and stop() not from a progress callback.
// Lifetime: partitions are held while they are being compacted and while a request for them waits.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "broker/services/compaction_control.h"
#include "broker/upkeep/compaction_pace.h"
#include "compactor/compactor.h"

namespace logcask {

class CompactionThreads final : public CompactionControl {
 public:
  using Partitions = std::vector<std::shared_ptr<PartitionRunner>>;
  struct Options {
    std::size_t threads = 1;
    std::int64_t interval_ms = 15'000;
    std::int64_t max_bytes_per_second = 0;  // 0 = no limit
    // Of a failing partition: the first pause, doubled up to the second.
    std::int64_t backoff_ms = 15'000;
    std::int64_t backoff_max_ms = 15 * 60'000;
    // How long `compact --wait` waits for the rolled segment to be listed, and for a keydir to load.
    std::int64_t settle_ms = 30'000;
    std::uint64_t jitter_seed = 1;
    Compactor::Options compactor;
  };
  struct Parts {
    const Clock& clock;
    // Those that may be compacted; others among them are passed over.
    std::function<Partitions()> partitions;
    std::function<void(const std::string&)> note;   // what was done, one line each
    std::function<void(const std::string&)> alarm;  // what an operator should know
  };
  CompactionThreads(Parts parts, const Options& options);
  ~CompactionThreads() override;
  CompactionThreads(const CompactionThreads&) = delete;
  CompactionThreads& operator=(const CompactionThreads&) = delete;

  void start();
  // Something may have become due. Before start() it is remembered.
  void wake();
  // Returns when no compaction of it is under way; it is not begun again before the next request or round that
  // `partitions` names it in.
  void release(const PartitionRunner* partition);
  // Ends what runs at its next batch, answers requests with shutting_down, joins. Idempotent.
  void stop();
  // 0 = no limit. For what is read and written from now on.
  void set_max_bytes_per_second(std::int64_t bytes_per_second) { pace_.set_bytes_per_second(bytes_per_second); }

  RequestId request(std::shared_ptr<PartitionRunner> partition, bool wait,
                    std::function<void(const CompactionProgress&)> progress) override;
  void cancel(RequestId id) override;

 private:
  struct Entry;
  struct Request;
  struct Candidate;
  using Lock = std::unique_lock<std::mutex>;

  enum class Haste : std::uint8_t {
    patient,  // steps aside, and gives up when the partition falls behind
    asked,    // steps aside
    urgent,
  };
  void run(Haste haste);
  bool take_request(Lock& lock);
  bool takes(const Candidate& candidate, Haste haste) const;
  bool take_candidate(Lock& lock, Haste haste);
  bool look_round(Lock& lock, Haste haste);
  std::shared_ptr<Entry> entry_of(const std::shared_ptr<PartitionRunner>& partition);
  std::vector<Candidate> look_at(const std::vector<std::shared_ptr<Entry>>& entries);
  bool compact_step(Entry& entry, Haste haste);
  void failed(Entry& entry, const Error& error);
  void serve(Request& request, Entry& entry);
  Status settle_roll(Entry& entry);
  Pace pace_of(Entry& entry, Haste haste, const std::function<void(std::uint64_t, std::uint64_t)>& count);
  bool fell_behind(Entry& entry);
  std::int64_t next_interval_ms();

  const Parts parts_;
  const Options options_;
  CompactionPace pace_;
  std::atomic<bool> stopping_{false};

  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  std::map<const PartitionRunner*, std::shared_ptr<Entry>> entries_;
  std::deque<std::shared_ptr<Request>> requests_;                // not begun
  std::map<RequestId, std::shared_ptr<Request>> open_requests_;  // not finished
  std::deque<Candidate> candidates_;                             // most garbage first
  RequestId last_request_ = 0;
  bool looking_ = false;
  bool urgent_busy_ = false;
  bool look_wanted_ = true;
  std::int64_t look_at_ns_ = 0;
  std::uint64_t jitter_state_;

  std::vector<std::thread> threads_;
};

}  // namespace logcask
