#include "partition/reserved_directory.h"

#include <optional>
#include <string_view>

#include "base/mutant.h"
#include "segment/filename.h"

namespace logcask {
namespace {

// What a file may do when the disk is full.
struct RoomClaim {
  std::optional<DiskReserve::Keep> draws;  // nothing: not at all
  bool waits = false;                      // takes no blocks while the reserve is not whole
};

std::string_view without_temporary_suffix(std::string_view name) {
  if (name.ends_with(kTemporarySuffix)) name.remove_suffix(kTemporarySuffix.size());
  return name;
}

RoomClaim claim_to_create(const std::string& name, ReservedDirectory::Holds holds) {
  if (holds == ReservedDirectory::Holds::metadata) return {DiskReserve::Keep::nothing};
  const auto parsed = parse_segment_filename(std::string(without_temporary_suffix(name)));
  if (!parsed) return {DiskReserve::Keep::nothing};
  if (parsed->name.rewritten()) return {DiskReserve::Keep::a_quarter};
  const bool derived = parsed->file != SegmentFile::log && parsed->file != SegmentFile::sync;
  return derived ? RoomClaim{} : RoomClaim{DiskReserve::Keep::half};
}

RoomClaim claim_to_write(const std::string& name, ReservedDirectory::Holds holds) {
  const auto parsed = parse_segment_filename(name);
  const bool records = parsed && parsed->file == SegmentFile::log && !parsed->name.rewritten();
  if (records && holds == ReservedDirectory::Holds::records && !mutant(Mutant::records_take_reserve))
    return {std::nullopt, true};
  return claim_to_create(name, holds);
}

class ReservedFile final : public File {
 public:
  ReservedFile(std::unique_ptr<File> plain, std::shared_ptr<DiskReserve> reserve, RoomClaim claim, std::string path)
      : plain_(std::move(plain)), reserve_(std::move(reserve)), claim_(claim), path_(std::move(path)) {}

  Status write_at(std::uint64_t position, std::span<const ByteView> pieces) override {
    Status written = plain_->write_at(position, pieces);
    if (written.code() != Errc::storage_full || !claim_.draws) return written;
    std::uint64_t bytes = 0;
    for (const ByteView piece : pieces) bytes += piece.size();
    while (written.code() == Errc::storage_full && reserve_->release(bytes, *claim_.draws))
      written = plain_->write_at(position, pieces);
    return written;
  }
  Status preallocate(std::uint64_t size) override {
    // Whoever comes first after room was made fills it.
    if (claim_.waits && reserve_->is_short() && !reserve_->fill().ok()) return reserve_->refusal(path_);
    Status reserved = plain_->preallocate(size);
    // Who may draw does so for what he writes, not for what he would have ahead.
    return reserved.code() == Errc::storage_full && claim_.draws ? Status() : reserved;
  }
  Result<std::size_t> read_at(std::uint64_t position, std::span<char> out) const override {
    return plain_->read_at(position, out);
  }
  Status truncate(std::uint64_t size) override { return plain_->truncate(size); }
  Status sync_data() override { return plain_->sync_data(); }
  void sync_soon() override { plain_->sync_soon(); }
  Result<std::uint64_t> size() const override { return plain_->size(); }
  Result<bool> linked() const override { return plain_->linked(); }
  void rest() override { plain_->rest(); }
  Status wake() override { return plain_->wake(); }

 private:
  const std::unique_ptr<File> plain_;
  const std::shared_ptr<DiskReserve> reserve_;
  const RoomClaim claim_;
  const std::string path_;
};

}  // namespace

Result<std::unique_ptr<File>> ReservedDirectory::open(const std::string& name, OpenMode mode) {
  auto opened = plain_->open(name, mode);
  if (mode == OpenMode::read) return opened;
  if (mode == OpenMode::create_new) {
    const RoomClaim claim = claim_to_create(name, holds_);
    while (opened.code() == Errc::storage_full && claim.draws && reserve_->release(0, *claim.draws))
      opened = plain_->open(name, mode);
  }
  if (!opened.ok()) return opened;
  return std::unique_ptr<File>(std::make_unique<ReservedFile>(std::move(opened).value(), reserve_,
                                                              claim_to_write(name, holds_), path() + "/" + name));
}

Result<DiskSpace> ReservedDirectory::space() {
  auto space = plain_->space();
  if (space.ok() && space->free_bytes != UINT64_MAX)
    space->free_bytes += reserve_->available_bytes(DiskReserve::Keep::a_quarter);
  return space;
}

}  // namespace logcask
