#pragma once
// The working part of a Replay: one stream, taken up again when it is lost, its answers queued for poll().

#include <condition_variable>
#include <deque>
#include <mutex>
#include <set>

#include "client/chunk_decoder.h"
#include "client/core.h"
#include "client/partition_count.h"
#include "client/replay_progress.h"
#include "logcask/replay.h"

namespace logcask::client {

struct Replay::Impl : std::enable_shared_from_this<Replay::Impl> {
  Impl(std::shared_ptr<Core> shared_core, std::string topic_name, std::size_t partition_count, ReplayOptions given);

  // Any thread.
  void subscribe();
  void on_response(std::uint64_t for_generation, Result<Response> response);
  void subscribe_later();
  // Before anybody else sees it.
  void follow_growth(const TopicInfo& info);
  // I/O thread.
  void counted(std::size_t partitions_there);
  void stop();
  // Ends the stream at hand. The broker is told.
  void cut(bool for_good);

  void wake_up();
  Contact contact() const;

  // The replay's thread.
  Result<ReplayEvent> poll(std::int64_t max_wait_ms);
  void restart();

  // One answer that waits to be polled, or the end of the stream.
  struct Item {
    ReplayEvent event;
    std::shared_ptr<const Buffer> bytes;
    Offset from;  // records below have been seen
    std::string token;
    Error broken{Errc::ok, {}};
    std::size_t credit_bytes = 0;
  };
  // With the lock held.
  Status take(const v1::ReplayResponse& answer, Buffer attachment);
  void end(const Error& error);
  void end_finished();

  Result<ReplayEvent> next_event(std::int64_t max_wait_ms);
  Result<ReplayEvent> show(Item item);
  void give_back_credit();

  std::shared_ptr<Core> core;
  const std::string topic;
  const std::size_t marker_count;  // partitions that will have a marker, of those there were at first
  const ReplayOptions options;

  std::shared_ptr<PartitionCount> count;  // of a replay of all partitions
  std::size_t streamed = 0;               // partitions that the stream at hand covers; of the I/O thread

  mutable std::mutex mutex;
  std::condition_variable news;
  ReplayProgress progress;
  std::deque<Item> queue;
  std::uint64_t generation = 0;  // of the stream; answers to an earlier one are dropped
  std::uint64_t stream_id = 0;
  bool ended = false;  // nothing more comes until restart()
  bool stopped = false;
  bool woken = false;
  Error trouble{Errc::ok, {}};  // for which the stream ended, until it is asked for again

  // The replay's thread only.
  ChunkDecoder decoder;
  std::vector<ReadRecord> records;
  std::string shown_token;
  std::set<PartitionId> markers_shown;
  std::size_t shown_credit_bytes = 0;
  std::optional<Item> last;  // the end of the stream, shown again by every poll
};

}  // namespace logcask::client
