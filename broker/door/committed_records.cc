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

Status for_each_committed_record(PartitionRunner& runner, const std::function<void(const RecordView&)>& sink) {
  constexpr std::size_t kStepBytes = 1u << 20;
  LOGCASK_ASSIGN(const Offset end, runner.replay_bound());
  Offset position = runner.marks().log_start_offset;
  while (position < end) {
    LOGCASK_ASSIGN(const FetchedBatches fetched, runner.fetch(position, kStepBytes));
    for (const ByteView piece : fetched.pieces) LOGCASK_TRY(for_each_record(piece, sink));
    if (fetched.next_fetch_offset <= position)
      return Error{Errc::internal, "the log does not go on at offset " + std::to_string(position.value())};
    position = fetched.next_fetch_offset;
  }
  return {};
}

}  // namespace logcask
