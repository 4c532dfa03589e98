#pragma once
// A partition's directory that knows who may take what of a full disk: it stands before the real one, and hands out
// what the disk reserve holds (segment/disk_reserve.h) where the file system refuses.
//
// Which file it is, by its name, decides:
//   records of clients (BASE.0.log)             nothing; and no more blocks before the reserve is whole again
//   a new segment's files, made in a roll       down to half: retention and compaction take closed segments only
//   indexes and hints of closed segments        nothing: derived
//   what compaction writes (generation > 0)     down to a quarter, so that its manifest finds room
//   manifests, markers, producer snapshots      all of it
// In the broker's own metadata partition everything may take all of it. Reads and the files they open are untouched.
// Threads: as segment/file.h says.

#include <memory>

#include "segment/disk_reserve.h"
#include "segment/file.h"

namespace logcask {

class ReservedDirectory final : public Directory {
 public:
  enum class Holds : std::uint8_t { records, metadata };
  ReservedDirectory(std::unique_ptr<Directory> plain, std::shared_ptr<DiskReserve> reserve, Holds holds)
      : plain_(std::move(plain)), reserve_(std::move(reserve)), holds_(holds) {}

  Result<std::unique_ptr<File>> open(const std::string& name, OpenMode mode) override;
  Status unlink(const std::string& name) override { return plain_->unlink(name); }
  Status rename(const std::string& from, const std::string& to) override { return plain_->rename(from, to); }
  Result<std::vector<Entry>> list() override { return plain_->list(); }
  Status sync() override { return plain_->sync(); }
  Result<std::unique_ptr<Directory>> open_directory(const std::string& name) override {
    return plain_->open_directory(name);
  }
  Result<std::unique_ptr<Directory>> create_directory(const std::string& name) override {
    return plain_->create_directory(name);
  }
  Status remove_directory(const std::string& name) override { return plain_->remove_directory(name); }
  Result<std::unique_ptr<DirectoryLock>> lock(const std::string& name) override { return plain_->lock(name); }
  // With what compaction may take of the reserve.
  Result<DiskSpace> space() override;
  Result<bool> in_place() override { return plain_->in_place(); }
  std::string path() const override { return plain_->path(); }

 private:
  const std::unique_ptr<Directory> plain_;
  const std::shared_ptr<DiskReserve> reserve_;
  const Holds holds_;
};

}  // namespace logcask
