#include "segment/disk_reserve.h"

#include <algorithm>

#include "base/mutant.h"

namespace logcask {
namespace {

constexpr std::string_view kReservePrefix = "reserve.";
constexpr std::uint64_t kReserveBlockBytes = 4096;
constexpr std::uint64_t kDefaultReserveBytes = 64u << 20;
constexpr std::uint64_t kDefaultReserveShare = 16;

std::uint64_t reserve_bytes(Directory& directory, std::int64_t wanted) {
  if (wanted != DiskReserve::kBySize) return static_cast<std::uint64_t>(std::max<std::int64_t>(wanted, 0));
  const auto space = directory.space();
  return space.ok() ? std::min(kDefaultReserveBytes, space->total_bytes / kDefaultReserveShare) : 0;
}

}  // namespace

DiskReserve::DiskReserve(std::shared_ptr<Directory> directory, std::int64_t bytes) : directory_(std::move(directory)) {
  const std::uint64_t whole = reserve_bytes(*directory_, bytes);
  if (whole > 0) {
    files_ = kFiles;
    file_bytes_ = (whole + kFiles * kReserveBlockBytes - 1) / (kFiles * kReserveBlockBytes) * kReserveBlockBytes;
  }
  held_.resize(files_);
  const auto entries = directory_->list();
  if (!entries.ok()) return;
  for (const Directory::Entry& entry : *entries) {
    if (entry.is_directory || !entry.name.starts_with(kReservePrefix)) continue;
    bool ours = false;
    for (std::size_t i = 0; i < files_ && !ours; ++i)
      if (entry.name == name_of(i)) ours = held_[i] = true;
    if (!ours) foreign_.push_back(entry.name);
  }
  held_count_ = static_cast<std::size_t>(std::count(held_.begin(), held_.end(), true));
  // What an earlier run has taken is still missing.
  short_.store(held_count_ > 0 && held_count_ < files_);
}

std::string DiskReserve::name_of(std::size_t index) const {
  return std::string(kReservePrefix) + std::to_string(file_bytes_) + "." + std::to_string(index);
}

std::size_t DiskReserve::available(Keep keep) const {
  const std::size_t kept = keep == Keep::nothing ? 0 : keep == Keep::half ? files_ / 2 : files_ / 4;
  return held_count_ > kept ? held_count_ - kept : 0;
}

std::uint64_t DiskReserve::available_bytes(Keep keep) const {
  const std::lock_guard lock(mutex_);
  return available(keep) * file_bytes_;
}

bool DiskReserve::release(std::uint64_t bytes, Keep keep) {
  const std::lock_guard lock(mutex_);
  std::size_t wanted = available(keep);
  if (wanted == 0) return false;
  // First, so that nobody who is to wait takes it.
  short_.store(true);
  wanted = std::min<std::size_t>(wanted, std::max<std::uint64_t>(1, (bytes + file_bytes_ - 1) / file_bytes_));
  bool released = false;
  for (std::size_t i = files_; i-- > 0 && wanted > 0;) {
    if (!held_[i]) continue;
    // One that is not there any more is not held, either.
    const Status gone = directory_->unlink(name_of(i));
    if (!gone.ok() && gone.code() != Errc::not_found) continue;
    held_[i] = false;
    --held_count_;
    --wanted;
    released = released || gone.ok();
  }
  return released;
}

Status DiskReserve::fill() {
  const std::lock_guard lock(mutex_);
  for (const std::string& name : foreign_) (void)directory_->unlink(name);
  foreign_.clear();
  for (std::size_t i = 0; i < files_; ++i) {
    if (held_[i]) continue;
    if (Status made = make(i); !made.ok()) {
      short_.store(true);
      return made;
    }
    held_[i] = true;
    ++held_count_;
  }
  short_.store(false);
  return {};
}

Status DiskReserve::make(std::size_t index) {
  const std::string name = name_of(index);
  auto file = directory_->open(name, OpenMode::create_new);
  // Somebody has put one there meanwhile: it counts once its blocks are certain.
  if (file.code() == Errc::already_exists) file = directory_->open(name, OpenMode::read_write);
  if (!file.ok()) return std::move(file).error();
  Status reserved = mutant(Mutant::reserve_only_counted) ? Status() : (*file)->preallocate(file_bytes_);
  if (!reserved.ok()) (void)directory_->unlink(name);
  return reserved;
}

Error DiskReserve::refusal(const std::string& path) const {
  return {Errc::storage_full, path + ": the disk is full: of the " + std::to_string(whole_bytes()) +
                                  " bytes that deletions may use (disk.reserve.bytes) " + std::to_string(held_bytes()) +
                                  " are there, and they are filled first"};
}

}  // namespace logcask
