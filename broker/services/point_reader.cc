#include "broker/services/point_reader.h"

#include "broker/door/committed_records.h"

namespace logcask {

bool PointReader::load(Offset offset) {
  header_.reset();
  auto fetched = runner_.fetch(offset, 1);
  if (!fetched.ok() || fetched->pieces.empty()) return false;
  fetched_ = std::move(fetched).value();
  auto header = decode_batch_header(fetched_.pieces[0]);
  // A batch always lies in one piece.
  if (!header.ok() || header->total_bytes() > fetched_.pieces[0].size()) return false;
  auto records =
      batch_records(*header, fetched_.pieces[0].substr(0, header->total_bytes()), kDecompressedBytesMax, scratch_);
  if (!records.ok()) return false;
  header_ = *header;
  records_ = *records;
  return true;
}

std::optional<RecordView> PointReader::read(Offset offset) {
  const bool held = header_ && header_->base_offset <= offset && offset <= header_->last_offset();
  if (!held && !load(offset)) return std::nullopt;
  RecordCursor cursor(*header_, records_);
  RecordView record;
  while (true) {
    const auto more = cursor.next(record);
    if (!more.ok() || !*more || record.offset > offset) return std::nullopt;
    if (record.offset == offset) return record;
  }
}

}  // namespace logcask
