#pragma once
// A consumer's decisions: what to ask for next, what an answer means for each partition, what waits to be polled.
// Sans-I/O: answers come in as plain values; the consumer guards it with its lock.

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "client/buffer.h"
#include "logcask/consumer.h"

namespace logcask::client {

// One partition's part of an answer.
struct FetchedPart {
  Error error{Errc::ok, {}};
  Offset committed_end = kNoOffset;
  Offset log_start = kNoOffset;
  Offset next_fetch_offset = kNoOffset;
  Offset tombstone_horizon = kNoOffset;
  RunId run = kNoRun;  // goes with next_fetch_offset
  ByteView bytes;      // in the answer's attachment
};

// Something that waits to be polled, in order.
struct FetchedItem {
  PartitionId partition;
  std::shared_ptr<const Buffer> owner;
  ByteView bytes;
  Offset from;
  Offset next;  // where the partition stands when the bytes are used up
  bool behind_horizon = false;
  Error error{Errc::ok, {}};
  RunId run = kNoRun;  // goes with `next`, and with every position before it
};

class FetchState {
 public:
  FetchState(const std::vector<PartitionId>& partitions, ConsumerOptions::OutOfRange out_of_range);

  // These partitions from now on, each to be started anew; what waits of others, or is under way, is dropped.
  void assign(const std::vector<PartitionId>& partitions);
  // One more, to be started.
  void add(PartitionId partition);
  // `knows_all`: reading from the very start, so there is no earlier state a cleaned-away delete could contradict.
  // `run`: that the offset was read in, of a kept position.
  void start_at(PartitionId partition, Offset offset, bool knows_all, RunId run = kNoRun);
  // Drops what waits of the partition and clears its error. False when it is not one of ours.
  bool seek(PartitionId partition, Offset offset);
  // Asks for no more of the partition, and drops what waits of it, until it is sought anew.
  void stop(PartitionId partition);

  struct Question {
    PartitionId partition;
    Offset offset;
    std::uint64_t generation = 0;
    RunId run = kNoRun;
  };
  // What to fetch now; the partition asked first changes from one to the next. Empty: nothing to ask.
  std::vector<Question> questions();
  // True when the answer brought something to poll.
  bool answered(const Question& question, const FetchedPart& part, const std::shared_ptr<const Buffer>& owner);

  std::size_t queued_bytes() const { return queued_bytes_; }
  bool empty() const { return queue_.empty(); }
  const FetchedItem& front() const { return queue_.front(); }
  std::optional<FetchedItem> pop();

  Offset position(PartitionId partition) const;
  // The run the position is to be kept with; kNoRun while nothing was read.
  RunId run(PartitionId partition) const;
  void set_position(PartitionId partition, Offset offset, RunId run);
  Offset end_offset(PartitionId partition) const;
  Offset log_start(PartitionId partition) const;
  bool at_end() const;
  bool all_ends_known() const;

 private:
  struct Partition {
    Offset fetch_position;
    Offset poll_position;
    RunId fetch_run = kNoRun;  // that the positions were read in
    RunId poll_run = kNoRun;
    Offset end = kNoOffset;
    Offset log_start = kNoOffset;
    std::optional<Offset> known_horizon;  // deletes below it were never needed or have been told about
    bool knows_all = false;
    bool stopped = false;  // an error ended it
    std::uint64_t generation = 0;
  };

  void drop_queued(PartitionId id);
  bool passed_horizon(Partition& partition, const FetchedPart& part);
  void push(FetchedItem item);
  bool failed(PartitionId id, Partition& partition, const FetchedPart& part);

  const ConsumerOptions::OutOfRange out_of_range_;
  std::map<PartitionId, Partition> partitions_;
  std::deque<FetchedItem> queue_;
  std::size_t queued_bytes_ = 0;
  std::size_t first_asked_ = 0;
  std::uint64_t first_generation_ = 0;  // of partitions as they are assigned: answers to earlier questions are nobody's
};

}  // namespace logcask::client
