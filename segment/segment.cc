#include "segment/segment.h"

#include <algorithm>
#include <utility>

#include "segment/segment_hold.h"

namespace logcask {
namespace {

std::uint64_t next_instance_id() {
  static std::atomic<std::uint64_t> next{1};
  return next.fetch_add(1, std::memory_order_relaxed);
}

std::vector<std::string> files_of(SegmentName name) {
  std::vector<std::string> names;
  for (const SegmentFile file : {SegmentFile::log, SegmentFile::index, SegmentFile::time_index, SegmentFile::hint})
    names.push_back(segment_filename(name, file));
  if (!name.rewritten()) names.push_back(segment_filename(name, SegmentFile::sync));
  return names;
}

// The index file can hold no more: 8 bytes a batch of at least 61, 48 per 4 KiB.
std::uint64_t max_index_bytes(const SegmentFacts& facts) { return facts.size_bytes / 4 + 64 * 1024; }

}  // namespace

Status FileRemoval::run() const {
  Status first;
  for (const std::string& name : names) {
    Status removed = directory->unlink(name);
    if (!removed.ok() && removed.code() != Errc::not_found && first.ok()) first = std::move(removed);
  }
  return first;
}

SegmentEnvironment::SegmentEnvironment(const Limits& limits)
    : files(std::make_shared<FileCache>(limits.files)),
      records(limits.record_cache_bytes),
      max_decompressed_bytes(limits.max_decompressed_bytes),
      // A file that stays behind is found and removed at the next start.
      remove_files([](const FileRemoval& removal) { (void)removal.run(); }) {}

Segment::Segment(std::shared_ptr<SegmentEnvironment> environment, std::shared_ptr<Directory> directory,
                 SegmentName name)
    : environment_(std::move(environment)),
      directory_(std::move(directory)),
      name_(name),
      instance_id_(next_instance_id()),
      slot_(environment_->files) {}

Segment::~Segment() {
  if (remove_.load(std::memory_order_relaxed)) environment_->remove_files({directory_, files_of(name_)});
}

std::shared_ptr<const Segment> Segment::closed(std::shared_ptr<SegmentEnvironment> environment,
                                               std::shared_ptr<Directory> directory, const SegmentFacts& facts) {
  std::shared_ptr<Segment> segment(new Segment(std::move(environment), std::move(directory), facts.name));
  segment->facts_ = facts;
  return segment;
}

std::shared_ptr<const Segment> Segment::active(std::shared_ptr<SegmentEnvironment> environment,
                                               std::shared_ptr<Directory> directory,
                                               std::shared_ptr<const ActiveLog> log) {
  const SegmentName name = log->with_state([](const LogState& state) { return state.name(); });
  std::shared_ptr<Segment> segment(new Segment(std::move(environment), std::move(directory), name));
  segment->active_ = std::move(log);
  return segment;
}

Offset Segment::next_offset() const { return active_ ? active_->end().next_offset : facts_.next_offset; }
std::uint64_t Segment::size_bytes() const { return active_ ? active_->end().position : facts_.size_bytes; }
SegmentFacts Segment::facts() const { return active_ ? active_->facts() : facts_; }
std::string Segment::describe() const { return directory_->path() + "/" + segment_filename(name_, SegmentFile::log); }

Error Segment::damaged(std::uint64_t position, const std::string& why) const {
  return Error{Errc::corrupt_range, describe() + " at position " + std::to_string(position) + ": " + why +
                                        "; 'logcask verify' tells what is lost"};
}

Error Segment::undecodable(std::string_view place, const Error& why) const {
  const Errc code = why.code == Errc::limit_exceeded ? why.code : Errc::corrupt_range;
  return Error{code, describe() + ": the batch at " + std::string(place) + " cannot be decoded: " + why.message};
}

Result<Segment::Hold> Segment::hold() const {
  Hold hold;
  if (active_) {
    const ActiveLog::End end = active_->end();
    hold.active = active_.get();
    hold.file = active_->file().get();
    hold.next_offset = end.next_offset;
    hold.size = end.position;
    return hold;
  }
  LOGCASK_ASSIGN(hold.open, slot_.get([this] { return load(); }));
  hold.file = hold.open->file.get();
  hold.next_offset = facts_.next_offset;
  hold.size = facts_.size_bytes;
  return hold;
}

Result<std::shared_ptr<const OpenSegment>> Segment::load() const {
  auto opened = directory_->open(segment_filename(name_, SegmentFile::log), OpenMode::read);
  if (opened.code() == Errc::not_found) return damaged(0, "the file is missing");
  LOGCASK_ASSIGN(std::shared_ptr<const File> file, std::move(opened));
  LOGCASK_ASSIGN(const std::uint64_t size, file->size());
  if (size < facts_.size_bytes)
    return damaged(size, "the file ends here, but " + std::to_string(facts_.size_bytes) + " bytes were written");
  const auto index_file = read_file(*directory_, segment_filename(name_, SegmentFile::index), max_index_bytes(facts_));
  const auto time_file =
      read_file(*directory_, segment_filename(name_, SegmentFile::time_index), max_index_bytes(facts_));
  if (index_file.ok() && time_file.ok()) {
    auto offsets = OffsetIndex::decode(*index_file, facts_);
    auto times = TimeIndex::decode(*time_file, facts_);
    if (offsets.ok() && times.ok()) {
      return std::shared_ptr<const OpenSegment>(std::make_shared<OpenSegment>(
          OpenSegment{std::move(file), std::move(offsets).value(), std::move(times).value()}));
    }
  }
  return rebuild_indexes(std::move(file));
}

Result<std::shared_ptr<const OpenSegment>> Segment::rebuild_indexes(std::shared_ptr<const File> file) const {
  LogState state(name_);
  bool crcs_hold = true;
  ScanOptions options{name_, 0, name_.base, facts_.size_bytes, false};
  LOGCASK_TRY(scan_batches(*file, options, [&](const ScannedBatch& batch) -> Status {
    // Of a damaged batch only the header is used, so that what follows it stays readable.
    const bool holds = batch_crc_holds(batch.bytes);
    crcs_hold = crcs_hold && holds;
    state.add_batch(batch.header, batch.bytes, holds);
    return {};
  }));
  const SegmentFacts found = state.facts();
  if (found.digest == facts_.digest && found.size_bytes == facts_.size_bytes) {
    // Best effort: without the files the next start rebuilds them again.
    (void)put_file(*directory_, segment_filename(name_, SegmentFile::index), state.offset_index.encode(facts_));
    (void)put_file(*directory_, segment_filename(name_, SegmentFile::time_index), state.time_index.encode(facts_));
  } else if (name_.rewritten()) {
    // The batches' CRCs do not cover their base offsets, and holes are legal here: nothing is left that proves them.
    return damaged(0, "the log does not match its digest and its index is lost, so no offset in it is certain");
  } else if (crcs_hold && found.size_bytes == facts_.size_bytes) {
    // Nor the leader epochs, and nothing else can be what differs.
    return damaged(0, "the log does not match its digest and its index is lost, so no leader epoch in it is certain");
  }
  return std::shared_ptr<const OpenSegment>(std::make_shared<OpenSegment>(
      OpenSegment{std::move(file), std::move(state.offset_index), std::move(state.time_index)}));
}

Result<BatchHeader> Segment::check_header(const Hold& hold, ByteView raw, std::uint64_t position,
                                          Offset expected) const {
  auto decoded = decode_batch_header(raw);
  if (!decoded.ok()) return damaged(position, decoded.error().message);
  const BatchHeader& header = *decoded;
  if (name_.rewritten() ? header.base_offset < expected : header.base_offset != expected) {
    return damaged(position, "its base offset is " + std::to_string(header.base_offset.value()) + " where " +
                                 std::to_string(expected.value()) + " follows");
  }
  if (!hold.header_holds(header, raw, position)) return damaged(position, "its header is not the one that was written");
  if (header.total_bytes() > hold.size - position) return damaged(position, "its length reaches beyond the log");
  if (header.next_offset() > hold.next_offset) return damaged(position, "its last offset is beyond the log's");
  return decoded;
}

Status Segment::check_crc(const BatchHeader& header, ByteView batch, std::uint64_t position) const {
  const bool markable = header.total_bytes() > kBatchHeaderBytes;  // see crc_bitmap.h
  if (markable && crc_checked_.marked(position)) return {};
  if (!batch_crc_holds(batch)) return damaged(position, "the batch's CRC does not hold");
  if (markable) crc_checked_.mark(position);
  return {};
}

Status Segment::read_exactly(const Hold& hold, std::uint64_t position, std::span<char> out) const {
  LOGCASK_ASSIGN(const std::size_t got, hold.file->read_at(position, out));
  if (got < out.size()) return damaged(position + got, "the file ends before the log does");
  return {};
}

}  // namespace logcask
