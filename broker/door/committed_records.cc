#include "broker/door/committed_records.h"

namespace logcask {

Status for_each_record(ByteView batches, const std::function<void(const RecordView&)>& sink) {
  std::string scratch;
  while (!batches.empty()) {
    LOGCASK_ASSIGN(const BatchHeader header, decode_batch_header(batches));
    if (header.total_bytes() > batches.size()) return Error{Errc::corrupt_message, "the last batch is cut short"};
    const ByteView batch = batches.substr(0, header.total_bytes());
    batches.remove_prefix(header.total_bytes());
    if (header.control()) continue;
    LOGCASK_ASSIGN(const ByteView records, batch_records(header, batch, kDecompressedBytesMax, scratch));
    RecordCursor cursor(header, records);
    RecordView record;
    while (true) {
      LOGCASK_ASSIGN(const bool more, cursor.next(record));
      if (!more) break;
      sink(record);
    }
  }
  return {};
}

bool is_damage(Errc code) { return code == Errc::corrupt_range || code == Errc::corrupt_file; }

namespace {

// Whether a read can begin there.
Result<bool> readable(PartitionRunner& runner, Offset at) {
  const auto fetched = runner.fetch(at, 1);
  if (fetched.ok()) return true;
  if (is_damage(fetched.code())) return false;
  return fetched.error();
}

// Where reading can go on behind `bad`. Offset by offset at first, so that sound batches between two damaged ones are
// not passed over; then in growing steps, for a whole segment may be lost.
Result<Offset> next_readable(PartitionRunner& runner, Offset bad, Offset end) {
  constexpr std::int64_t kOneByOne = 256;
  std::int64_t step = 1;
  Offset good = end;
  for (std::int64_t looks = 0; bad + step < end; ++looks) {
    LOGCASK_ASSIGN(const bool fine, readable(runner, bad + step));
    if (fine) {
      good = bad + step;
      break;
    }
    bad = bad + step;
    if (looks >= kOneByOne) step *= 2;
  }
  while (good - bad > 1) {
    const Offset middle = bad + (good - bad) / 2;
    LOGCASK_ASSIGN(const bool fine, readable(runner, middle));
    (fine ? good : bad) = middle;
  }
  return good;
}

}  // namespace

Status for_each_committed_record(PartitionRunner& runner, const std::function<void(const RecordView&)>& sink) {
  return for_each_readable_record(runner, sink, nullptr);
}

Status for_each_readable_record(PartitionRunner& runner, const std::function<void(const RecordView&)>& sink,
                                const DamageSink& damaged) {
  constexpr std::size_t kStepBytes = 1u << 20;
  LOGCASK_ASSIGN(const Offset end, runner.replay_bound());
  Offset position = runner.marks().log_start_offset;
  while (position < end) {
    const auto fetched = runner.fetch(position, kStepBytes);
    if (!fetched.ok() && damaged && is_damage(fetched.code())) {
      LOGCASK_ASSIGN(const Offset next, next_readable(runner, position, end));
      damaged(position, next, fetched.error());
      position = next;
      continue;
    }
    if (!fetched.ok()) return fetched.error();
    for (const ByteView piece : fetched->pieces) LOGCASK_TRY(for_each_record(piece, sink));
    if (fetched->next_fetch_offset <= position)
      return Error{Errc::internal, "the log does not go on at offset " + std::to_string(position.value())};
    position = fetched->next_fetch_offset;
  }
  return {};
}

}  // namespace logcask
