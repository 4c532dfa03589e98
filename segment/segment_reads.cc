// Segment: reading batches in sequence.

#include <algorithm>
#include <array>

#include "segment/segment_hold.h"

namespace logcask {
namespace {

constexpr std::size_t kWalkBytes = kIndexIntervalBytes + kBatchHeaderBytes;
constexpr std::size_t kTimeSearchBytes = 256 * 1024;

}  // namespace

Result<std::optional<Segment::Located>> Segment::locate(const Hold& hold, Offset from) const {
  const auto entry = hold.find_batch(from);
  if (!entry && hold.size > 0) return damaged(0, "no batch of the log can be read");
  if (!entry) return std::optional<Located>();
  std::array<char, kWalkBytes> window;
  std::uint64_t window_start = 0;
  std::size_t window_bytes = 0;
  std::uint64_t position = entry->batch_position;
  Offset expected = entry->offset;
  while (position < hold.size) {
    if (position + kBatchHeaderBytes > hold.size) return damaged(position, "the log ends inside a batch header");
    if (window_bytes == 0 || position + kBatchHeaderBytes > window_start + window_bytes) {
      window_start = position;
      window_bytes = static_cast<std::size_t>(std::min<std::uint64_t>(window.size(), hold.size - position));
      LOGCASK_TRY(read_exactly(hold, position, std::span(window.data(), window_bytes)));
    }
    const auto at = static_cast<std::size_t>(position - window_start);
    LOGCASK_ASSIGN(const BatchHeader header,
                   check_header(hold, ByteView(window.data() + at, window_bytes - at), position, expected));
    if (header.next_offset() > from) return std::optional<Located>({position, header});
    position += header.total_bytes();
    expected = header.next_offset();
  }
  // The last batch has no follower that would give a wrong last offset away.
  if (from < hold.next_offset)
    return damaged(hold.size, "the batches end at offset " + std::to_string(expected.value()) + " instead of " +
                                  std::to_string(hold.next_offset.value()));
  return std::optional<Located>();
}

Result<ReadBatches> Segment::read_batches(Offset from, Offset end, std::size_t max_bytes, ByteBuffer& out) const {
  ReadBatches result;
  result.next_offset = from;
  LOGCASK_ASSIGN(const Hold hold, this->hold());
  if (from >= hold.next_offset || end <= from) return result;
  LOGCASK_ASSIGN(const auto located, locate(hold, from));
  if (!located || located->header.next_offset() > end) return result;

  std::uint64_t position = located->position;
  Offset expected = located->header.base_offset;
  const std::size_t out_start = out.size();
  const auto want = static_cast<std::size_t>(
      std::min<std::uint64_t>(std::max(located->header.total_bytes(), max_bytes), hold.size - position));
  const std::span<char> room = out.extend(want);
  const Status read = read_exactly(hold, position, room);
  if (!read.ok()) {
    out.cut(out_start);
    return read.error();
  }
  Status fault;
  while (result.bytes + kBatchHeaderBytes <= want) {
    const ByteView rest = ByteView(room.data(), want).substr(result.bytes);
    const auto header = check_header(hold, rest, position, expected);
    if (!header.ok()) {
      fault = header.error();
      break;
    }
    const std::size_t size = header->total_bytes();
    if (size > rest.size() || header->next_offset() > end) break;
    fault = check_crc(*header, rest.substr(0, size), position);
    if (!fault.ok()) break;
    position += size;
    expected = header->next_offset();
    result.bytes += size;
    result.batches += 1;
    result.next_offset = expected;
  }
  out.cut(out_start + result.bytes);
  if (!fault.ok() && result.batches == 0) return std::move(fault).error();
  return result;
}

Result<std::optional<Segment::TimedOffset>> Segment::offset_for_time(TimestampMs timestamp, Offset from,
                                                                     Offset end) const {
  Offset next = from;
  {
    LOGCASK_ASSIGN(const Hold hold, this->hold());
    next = std::max(from, hold.find_time(timestamp));
  }
  ByteBuffer chunk;
  while (true) {
    chunk.clear();
    LOGCASK_ASSIGN(const ReadBatches read, read_batches(next, end, kTimeSearchBytes, chunk));
    if (read.batches == 0) return std::optional<TimedOffset>();
    for (ByteView rest = chunk; !rest.empty();) {
      LOGCASK_ASSIGN(const BatchHeader header, decode_batch_header(rest));
      if (header.max_timestamp >= timestamp) {
        LOGCASK_ASSIGN(const auto found,
                       first_at_or_after(header, rest.substr(0, header.total_bytes()), timestamp, from));
        if (found) return found;
      }
      rest.remove_prefix(header.total_bytes());
    }
    next = read.next_offset;
  }
}

Result<std::optional<Segment::TimedOffset>> Segment::first_at_or_after(const BatchHeader& header, ByteView batch,
                                                                       TimestampMs timestamp, Offset from) const {
  std::string scratch;
  const auto records = batch_records(header, batch, environment_->max_decompressed_bytes, scratch);
  if (!records.ok()) return undecodable("offset " + std::to_string(header.base_offset.value()), records.error());
  RecordCursor cursor(header, *records);
  RecordView record;
  while (true) {
    const auto more = cursor.next(record);
    if (!more.ok()) return undecodable("offset " + std::to_string(header.base_offset.value()), more.error());
    if (!*more) return std::optional<TimedOffset>();
    if (record.timestamp >= timestamp && record.offset >= from)
      return std::optional<TimedOffset>({record.offset, record.timestamp, header.leader_epoch});
  }
}

Status Segment::scan(Offset from, const BatchCallback& take) const {
  LOGCASK_ASSIGN(const Hold hold, this->hold());
  if (from >= hold.next_offset) return {};
  LOGCASK_ASSIGN(const auto located, locate(hold, from));
  if (!located) return {};
  const ScanOptions options{name_, located->position, located->header.base_offset, hold.size, true};
  LOGCASK_ASSIGN(const ScanEnd end, scan_batches(*hold.file, options, [&](const ScannedBatch& batch) -> Status {
                   if (!hold.header_holds(batch.header, batch.bytes, batch.position))
                     return damaged(batch.position, "its header is not the one that was written");
                   return take(batch);
                 }));
  switch (end.why) {
    case ScanEnd::Why::end_position:
      break;
    case ScanEnd::Why::end_of_file:
      return damaged(end.position, "the file ends before the log does");
    case ScanEnd::Why::zeros:
      return damaged(end.position, "zeros where a batch should be");
    case ScanEnd::Why::bad_batch:
      return damaged(end.position, end.reason);
  }
  if (end.next_offset != hold.next_offset)
    return damaged(end.position, "the log ends at offset " + std::to_string(end.next_offset.value()) + " instead of " +
                                     std::to_string(hold.next_offset.value()));
  return {};
}

}  // namespace logcask
