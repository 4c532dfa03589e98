#pragma once
// One run against a disk that fails: partitions written to and read while operations fail, and what must hold then and
// afterwards.
//
//  - A key reads as its newest record or as an error, never as an older one.
//  - What was acknowledged is there after the partition is reopened, after a kill and after a power loss.
//  - Nothing is acknowledged once the log or its sync log had an error other than a full disk, nor by the very append
//    that met the log's, until it is reopened. A sync that fails is such an error, whatever it says.
//  - A full disk is told as storage_full, and appends go on by themselves when there is room again.
//  - Reads and lookups go on unless it is reading that fails, and always in a partition that no fault has touched.

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/crash/storage_stack.h"

namespace logcask::testing {

class IoRun {
 public:
  // Goes on with this disk, which a run before has left in order.
  explicit IoRun(std::unique_ptr<MemoryFileSystem> disk) : disk_(std::move(disk)), storage_(*disk_) {}
  // On a copy of the disk of another, which is not open.
  IoRun(const IoRun& prepared)
      : disk_(prepared.disk_->clone()), storage_(*disk_), topics_(prepared.topics_), values_(prepared.values_) {}

  MemoryFileSystem& disk() { return *disk_; }
  StorageStack& storage() { return storage_; }

  // Opens the broker's storage; nothing fails here.
  void open();
  void add_topic(const std::string& name, int partitions);
  void forget_topic(const std::string& name) { topics_.erase(name); }
  void arm(const Fault& fault);
  void disarm();
  // What failed, for messages.
  std::string hits_text() const;
  bool was_hit() const { return !hits().empty(); }

  // True when it was acknowledged.
  bool put(const std::string& topic, int partition, const std::string& key, Acks acks = Acks::all);
  // No fault may touch this one.
  void must_put(const std::string& topic, int partition, const std::string& key);
  void roll(const std::string& topic, int partition);
  void compact(const std::string& topic, int partition);
  void delete_records(const std::string& topic, int partition);
  // Fetches and looks up what was acknowledged.
  void look(const std::string& topic, int partition);
  // Both may fail. A topic whose creation failed is not there, now or later; one whose deletion failed is as before or
  // gone.
  void create(const std::string& topic);
  void remove(const std::string& topic);
  // The faults are over: the partition takes writes again, by itself or when it is reopened.
  void heal(const std::string& topic, int partition);
  // Stops by kill or power loss, starts again, and all that was acknowledged is there.
  void restart_and_check(std::uint64_t seed);

  std::size_t refused() const { return refused_; }
  std::size_t latched() const { return latched_; }

 private:
  void check(StorageStack& storage);
  struct Attempt {
    std::string key;
    std::string value;
    bool acked = false;
    Offset offset = kNoOffset;
  };
  struct Log {
    std::vector<Attempt> attempts;
    Offset log_start;  // highest that was asked for
    bool compacted = false;
  };
  Log& log(const std::string& topic, int partition) {
    return topics_.at(topic).at(static_cast<std::size_t>(partition));
  }
  PartitionRunner& runner(StorageStack& storage, const std::string& topic, int partition) const;
  struct Hit {
    MemoryFileSystem::FaultHit what;
    // The file was in use before the operation that met the fault; else that one was about to create it, and what goes
    // wrong then is undone.
    bool in_use = false;
    // Of a topic whose creation has failed: its files are nobody's, and a later topic of the name has others.
    bool taken_back = false;
  };
  std::vector<MemoryFileSystem::FaultHit> hits() const;
  // Sorts what was hit since the last call, which is made before and after each operation.
  void note_hits();
  // The log or its sync log had an error that makes what is on disk unknown.
  bool broken(const std::string& topic, int partition) const;
  // The same of the log alone: an append that waits for the disk cannot have got past it.
  bool log_broken(const std::string& topic, int partition) const;
  bool broken_by(const std::string& topic, int partition, bool log_only) const;
  // A full disk and nothing worse: the sync log is written where its blocks are already, so it is not full there.
  bool only_full() const;
  // Something may stand between a reader and the disk.
  bool reads_may_fail(const std::string& topic, int partition);
  // `faulty`: the faults are for this partition.
  void look(const std::string& topic, int partition, bool faulty);
  void fetch_acked(const std::string& topic, int partition, const std::function<bool()>& may_fail);
  static void check_log(PartitionRunner& partition, const Log& log);

  const std::unique_ptr<MemoryFileSystem> disk_;
  StorageStack storage_;
  std::map<std::string, std::vector<Log>> topics_;
  std::vector<MemoryFileSystem::FaultHit> over_;  // hits of faults that are over
  std::vector<Hit> noted_;
  std::set<std::string> sync_logs_;  // in use when the operation began
  bool full_disk_ = false;
  bool sound_again_ = false;  // reopened since
  int values_ = 0;
  std::size_t refused_ = 0;
  std::size_t latched_ = 0;
};

}  // namespace logcask::testing
