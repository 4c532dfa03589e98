#pragma once
// The growing log file as its writer and its readers share it: the state behind one mutex.
//
// The writer extends it after the bytes are in the file, so a reader never sees an offset or a position that the
// file does not hold. The mutex is held for an index probe or for adding the index entries of one write.

#include <memory>
#include <mutex>
#include <optional>
#include <span>

#include "segment/file.h"
#include "segment/log_state.h"

namespace logcask {

class ActiveLog {
 public:
  ActiveLog(std::shared_ptr<File> file, LogState state) : file_(std::move(file)), state_(std::move(state)) {}

  const std::shared_ptr<File>& file() const { return file_; }

  struct End {
    Offset next_offset;
    std::uint64_t position = 0;
  };
  End end() const;
  SegmentFacts facts() const;
  std::optional<IndexEntry> find(Offset offset, std::optional<IndexEntry>* next) const;
  std::optional<IndexEntry> find_batch(Offset offset) const;
  BatchHeader large_batch(const IndexEntry& entry) const;
  bool header_holds(const BatchHeader& header, ByteView raw, std::uint64_t position) const;
  Offset find_time(TimestampMs timestamp) const;

  // The writer only.
  void extend(std::span<const ByteView> pieces, TimestampMs append_time);
  template <class F>
  auto with_state(F&& use) const {
    const std::lock_guard lock(mutex_);
    return use(state_);
  }

 private:
  const std::shared_ptr<File> file_;
  mutable std::mutex mutex_;
  LogState state_;
};

}  // namespace logcask
