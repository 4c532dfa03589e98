#pragma once
// What the disk under the data directory is like: looked at about once a second, told to health and to the log.
//
// - The disk reserve (segment/disk_reserve.h) is filled again as soon as there is room; until then records are refused.
//   At a directory's first start it is filled in the first round, behind the first answers, where the disk has room for
//   several of it; else before the first record is taken.
// - Space or inodes that run low are a problem before the first refusal.
// - A data directory that was removed, or whose path leads elsewhere by now, stops every partition's writes: what they
//   acknowledged would not be found by the next start.
//
// Threads: start() and round() on one thread at a time, list() on any.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "broker/data_directory.h"
#include "broker/door/partition_troubles.h"
#include "broker/topics/topics.h"

namespace logcask {

class DiskWatch {
 public:
  // Both outlive this. `note` and `alarm` get a line for each change.
  using Tell = std::function<void(const std::string&)>;
  DiskWatch(DataDirectory& data, Topics& topics, Tell note, Tell alarm)
      : data_(data), topics_(topics), note_(std::move(note)), alarm_(std::move(alarm)) {}

  // After recovery, which may need the reserve, and before the first record, which must not.
  void start();
  void round();
  // As it is now.
  void list(std::vector<PartitionProblem>& problems) const;

  static constexpr const char* kLow = "disk_low";
  static constexpr const char* kReserve = "disk_reserve";
  static constexpr const char* kGone = "data_directory_gone";

 private:
  void look();
  void fill();
  void set(std::optional<PartitionProblem>& told, std::optional<PartitionProblem> now, const char* over);
  std::optional<PartitionProblem> look_at_place() const;
  std::optional<PartitionProblem> look_at_reserve() const;
  std::optional<PartitionProblem> look_at_space() const;

  DataDirectory& data_;
  Topics& topics_;
  const Tell note_;
  const Tell alarm_;
  // start() and round() only:
  std::optional<PartitionProblem> place_, reserve_, space_;  // as told last
  bool never_filled_ = true;
};

}  // namespace logcask
