#include "broker/upkeep/disk_watch.h"

#include <algorithm>
#include <utility>

#include "base/mutant.h"

namespace logcask {
namespace {

// Low is less than so many times the reserve.
constexpr std::uint64_t kLowReserves = 4;
// Closed segments go whole, and the one that is written to only with all that is in it.
constexpr std::string_view kWhatToDelete =
    "topics, or records: 'logcask records delete' gives back whole segments, the one that is written to only when "
    "--before is the end of the log";

}  // namespace

// Its 64 files are most of what the first start of a broker would wait for, and there is nothing to load then that
// would hold up the first round. At any other start they are there, or must be before records come.
void DiskWatch::start() {
  const bool soon = data_.start_facts().first_start && !data_.reserve().is_short() && !look_at_space();
  if (!soon && !mutant(Mutant::first_fill_always_later)) fill();
  look();
}

void DiskWatch::round() {
  if (never_filled_) fill();
  look();
}

// One that finds no room is found short.
void DiskWatch::fill() {
  never_filled_ = false;
  (void)data_.reserve().fill().ok();
}

void DiskWatch::look() {
  set(place_, look_at_place(), "the data directory is where it was again; 'logcask reopen' lets partitions write");
  // A partition that was made or reopened meanwhile, too.
  if (place_) {
    const Error gone{Errc::io_error, place_->reason};
    for (const auto all = topics_.snapshot(); const auto& [name, topic] : *all)
      for (const auto& partition : topic->partitions) partition->stop_writes(gone);
    return;
  }
  if (data_.reserve().is_short()) (void)data_.reserve().fill().ok();
  set(reserve_, look_at_reserve(), "the disk reserve is whole again; records are taken");
  set(space_, look_at_space(), "the disk has room again");
}

void DiskWatch::set(std::optional<PartitionProblem>& told, std::optional<PartitionProblem> now, const char* over) {
  if (now && !told) alarm_(now->reason);
  if (told && !now) note_(over);
  told = std::move(now);
}

std::optional<PartitionProblem> DiskWatch::look_at_place() const {
  const auto in_place = data_.root().in_place();
  if (!in_place.ok() || *in_place) return std::nullopt;
  return PartitionProblem{kGone, "the data directory " + data_.root().path() +
                                     " was removed or moved away under the running broker; nothing is written any "
                                     "more. Stop the broker and restore the directory"};
}

std::optional<PartitionProblem> DiskWatch::look_at_reserve() const {
  const DiskReserve& reserve = data_.reserve();
  if (!reserve.is_short()) return std::nullopt;
  return PartitionProblem{kReserve, "of the " + std::to_string(reserve.whole_bytes()) +
                                        " bytes that deletions and compaction may use on a full disk " +
                                        std::to_string(reserve.held_bytes()) +
                                        " are there (disk.reserve.bytes); records are refused until it is whole: free "
                                        "some space, or delete " +
                                        std::string(kWhatToDelete)};
}

std::optional<PartitionProblem> DiskWatch::look_at_space() const {
  const auto space = data_.root().space();
  const DiskReserve& reserve = data_.reserve();
  if (!space.ok() || reserve.whole_files() == 0) return std::nullopt;
  const std::uint64_t bytes_low = kLowReserves * reserve.whole_bytes();
  const std::uint64_t files_low = kLowReserves * reserve.whole_files();
  const std::string mend =
      "; free some space, or delete " + std::string(kWhatToDelete) + ", before records are refused";
  if (space->free_bytes < bytes_low)
    return PartitionProblem{kLow, std::to_string(space->free_bytes) + " bytes are free on the disk, less than " +
                                      std::to_string(bytes_low) + mend};
  if (space->free_files < files_low)
    return PartitionProblem{kLow, std::to_string(space->free_files) + " inodes are free on the disk, less than " +
                                      std::to_string(files_low) + mend};
  return std::nullopt;
}

void DiskWatch::list(std::vector<PartitionProblem>& problems) const {
  for (auto& problem : {look_at_place(), look_at_reserve(), look_at_space()})
    if (problem) problems.push_back(*problem);
}

}  // namespace logcask
