#include "segment/record_block.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <new>

#include "base/check.h"

namespace logcask {
namespace {

constexpr std::size_t kMaxBlockBytes = 1u << 31;

}  // namespace

RecordBlockPtr::RecordBlockPtr(const RecordBlockPtr& other) : block_(other.block_) {
  if (block_) block_->references_.fetch_add(1, std::memory_order_relaxed);
}

RecordBlockPtr::~RecordBlockPtr() {
  if (!block_ || block_->references_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  block_->~RecordBlock();
  ::operator delete(const_cast<RecordBlock*>(block_), std::align_val_t(alignof(RecordBlock)));
}

Result<RecordBlockPtr> RecordBlock::of_batch(const BatchHeader& header, ByteView batch, std::size_t max_bytes) {
  std::string scratch;
  LOGCASK_ASSIGN(const ByteView records, batch_records(header, batch, max_bytes, scratch));
  RecordBlockBuilder builder;
  builder.start_batch(header);
  RecordCursor cursor(header, records);
  RecordView record;
  while (true) {
    LOGCASK_ASSIGN(const bool more, cursor.next(record));
    if (!more) break;
    if (!builder.add(record.offset, record.position))
      return Error{Errc::corrupt_message, "its record offsets do not rise"};
  }
  RecordBlockPtr block = builder.finish(records, header.next_offset());
  if (!block) return Error{Errc::message_too_large, "it is too large to be held in memory"};
  return block;
}

const RecordBlock::Run& RecordBlock::run_of(std::uint32_t mark) const {
  const Run* const end = more_runs() + more_run_count_;
  const Run* const after =
      std::partition_point(more_runs(), end, [mark](const Run& run) { return run.first_mark <= mark; });
  return after == more_runs() ? run_ : after[-1];
}

bool RecordBlock::find(Offset offset, RecordView& record) const {
  if (!covers(offset)) return false;
  auto mark = static_cast<std::uint64_t>(offset - first_);
  if (!dense()) {
    const std::uint32_t* const end = deltas() + count_;
    const std::uint32_t* const found = std::lower_bound(deltas(), end, mark);
    if (found == end || *found != mark) return false;
    mark = static_cast<std::uint64_t>(found - deltas());
  }
  if (mark >= count_) return false;
  const Run& run = run_of(static_cast<std::uint32_t>(mark));
  BatchHeader header;
  header.base_offset = run.base;
  header.last_offset_delta = static_cast<std::int32_t>(run.last_delta);
  header.base_timestamp = run.timestamp;
  header.max_timestamp = run.timestamp;
  header.attributes = run.append_time ? 1u << 3 : 0;
  RecordCursor cursor(header, records(), positions()[mark]);
  const auto more = cursor.next(record);
  LOGCASK_CHECK(more.ok() && *more && record.offset == offset);  // it was read when the block was made
  return true;
}

void RecordBlockBuilder::start_batch(const BatchHeader& header) {
  const bool append_time = header.timestamp_type() == TimestampType::log_append_time;
  if (records() == 0) first_ = header.base_offset;
  if (!runs_.empty() && runs_.back().first_mark == records()) runs_.pop_back();  // it had no records
  runs_.push_back({header.base_offset, append_time ? header.max_timestamp : header.base_timestamp,
                   static_cast<std::uint32_t>(records()),
                   static_cast<std::uint32_t>(header.last_offset_delta) & 0x7fffffffu, append_time});
}

bool RecordBlockBuilder::add(Offset offset, std::size_t position) {
  if (records() == 0) first_ = offset;
  const std::int64_t delta = offset - first_;
  if (delta < 0 || delta > std::numeric_limits<std::uint32_t>::max() || position > kMaxBlockBytes) return false;
  if (!deltas_.empty() && delta <= deltas_.back()) return false;
  deltas_.push_back(static_cast<std::uint32_t>(delta));
  positions_.push_back(static_cast<std::uint32_t>(position));
  return true;
}

RecordBlockPtr RecordBlockBuilder::finish(ByteView bytes, Offset end) const {
  const std::size_t count = records();
  const bool dense = count == 0 || deltas_.back() + std::size_t{1} == count;
  const std::size_t marks_bytes = count * sizeof(std::uint32_t);
  const std::size_t runs_at = (marks_bytes * (dense ? 1 : 2) + 7) / 8 * 8;
  const std::size_t more_runs = runs_.size() > 1 ? runs_.size() - 1 : 0;
  const std::size_t records_at = runs_at + more_runs * sizeof(RecordBlock::Run);
  const std::size_t total = sizeof(RecordBlock) + records_at + bytes.size();
  if (total > kMaxBlockBytes) return {};
  static_assert(sizeof(RecordBlock) == 64);
  auto* block = new (::operator new(total, std::align_val_t(alignof(RecordBlock)))) RecordBlock();
  block->count_ = static_cast<std::uint32_t>(count);
  block->memory_bytes_ = static_cast<std::uint32_t>(total);
  block->dense_ = dense;
  block->runs_at_ = static_cast<std::uint32_t>(runs_at);
  block->records_at_ = static_cast<std::uint32_t>(records_at);
  block->more_run_count_ = static_cast<std::uint32_t>(more_runs) & 0x7fffffffu;
  block->first_ = first_;
  block->end_ = end;
  if (!runs_.empty()) block->run_ = runs_.front();
  char* const memory = reinterpret_cast<char*>(block + 1);
  const auto put = [memory](std::size_t at, const void* from, std::size_t size) {
    if (size > 0) std::memcpy(memory + at, from, size);
  };
  put(0, positions_.data(), marks_bytes);
  if (!dense) put(marks_bytes, deltas_.data(), marks_bytes);
  if (more_runs > 0) put(runs_at, runs_.data() + 1, more_runs * sizeof(RecordBlock::Run));
  put(records_at, bytes.data(), bytes.size());
  return RecordBlockPtr(block);
}

}  // namespace logcask
