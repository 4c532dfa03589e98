#include "tests/damage/spread.h"

#include <algorithm>

#include "proto/record_batch.h"
#include "segment/filename.h"
#include "segment/log_state.h"
#include "tests/support/catch.h"

namespace logcask::testing {
namespace {

// Bytes of a batch's header in a log of generation 0 that a walk goes by, one range after the other: base offset,
// length, epoch, magic; the codec; last offset delta; record count.
bool is_place(std::size_t at) { return at < 17 || at == 22 || (at >= 23 && at < 27) || (at >= 57 && at < 61); }

}  // namespace

bool Spread::unreadable(Offset from) const {
  return std::any_of(ranges_.begin(), ranges_.end(),
                     [&](const Range& range) { return from >= range.from && from < range.to; });
}

LogLayout::LogLayout(const DataSet& set, const std::string& path)
    : content_(set.files.at(path)), name_(parse_segment_filename(path)->name), promised_end_(set.promised_end) {
  active_ = true;
  next_ = set.end;
  for (const auto& [other, content] : set.files) {
    const auto parsed = parse_segment_filename(other);
    if (!parsed || parsed->file != SegmentFile::log || parsed->name.base <= name_.base) continue;
    next_ = active_ ? parsed->name.base : std::min(next_, parsed->name.base);
    active_ = false;
  }
  LogState state(name_);
  for (Offset from = name_.base; data_bytes_ + kBatchHeaderBytes <= content_.size();) {
    const ByteView rest = ByteView(content_).substr(data_bytes_);
    const auto header = decode_batch_header(rest);
    if (!header.ok()) break;
    const std::size_t size = header->total_bytes();
    state.add_batch(*header, rest.substr(0, size));
    if (header->base_offset < set.promised_end) promised_bytes_ = data_bytes_ + size;
    batches_.push_back({data_bytes_, size, from, header->next_offset(), false});
    from = header->next_offset();
    data_bytes_ += size;
  }
  REQUIRE(!batches_.empty());
  REQUIRE(batches_.back().to == next_);
  for (Batch& batch : batches_)
    batch.indexed = state.offset_index.find_batch(batch.to - 1)->batch_position == batch.position;
}

LogLayout::Touched LogLayout::touched(const Batch& batch, const std::string& content) const {
  Touched touched;
  for (std::size_t i = 0; i < batch.size; ++i) {
    const std::size_t at = batch.position + i;
    if (at < content.size() && content[at] == content_[at]) continue;
    touched.any = true;
    if (name_.rewritten() ? i < kBatchHeaderBytes : is_place(i)) touched.place = true;
    if (i >= 12 && i < 16) touched.epoch = true;
  }
  return touched;
}

Spread LogLayout::spread(const std::optional<std::string>& content, bool open) const {
  Spread spread;
  const bool recovered = active_ && !open;
  const std::size_t promised = recovered ? promised_bytes_ : data_bytes_;
  const Spread::Range file = spread.file_ = {name_.base, next_};
  if (!content || content->size() < promised) {
    spread.ranges_ = {file};
    if (!open) spread.hides_below_ = recovered ? promised_end_ : next_;
    return spread;
  }
  bool in_doubt = false;
  for (const Batch& batch : batches_) {
    if (batch.position >= promised && spread.nothing()) break;
    const Touched touched = this->touched(batch, *content);
    if (recovered && touched.epoch && batch.position < promised) {
      spread.ranges_ = {file};
      break;
    }
    if (batch.indexed && !recovered) in_doubt = false;
    if (touched.place) in_doubt = true;
    if (touched.any || in_doubt) spread.ranges_.push_back({batch.from, batch.to});
  }
  if (recovered && !spread.nothing()) spread.hides_below_ = promised_end_;
  return spread;
}

}  // namespace logcask::testing
