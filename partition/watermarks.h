#pragma once
// The named positions of a partition's end, and the one place that asserts their order.
//
//   next_offset  >= written_end >= durable_end >= committed_end
//
// next_offset: the next offset to be assigned. written_end: everything below was handed to the file system
// (survives kill -9). durable_end: everything below was synced (survives power loss). committed_end:
// everything below is in the keydir and visible; on one node it follows durable_end, in a cluster it is the
// high watermark. None of them ever moves back while the partition is open.
// Threads: owned by the partition, under its lock.

#include "base/check.h"
#include "base/types.h"

namespace logcask {

class Watermarks {
 public:
  Watermarks() = default;
  explicit Watermarks(Offset everything)
      : next_offset_(everything), written_end_(everything), durable_end_(everything), committed_end_(everything) {}

  Offset next_offset() const { return next_offset_; }
  Offset written_end() const { return written_end_; }
  Offset durable_end() const { return durable_end_; }
  Offset committed_end() const { return committed_end_; }

  void assigned(Offset next) { advance(next_offset_, next); }
  void written(Offset end) { advance(written_end_, end); }
  void durable(Offset end) { advance(durable_end_, end); }
  void committed(Offset end) { advance(committed_end_, end); }

  // Forgets what was assigned but never written, after a refused write.
  void cut_back_to_written() { next_offset_ = written_end_; }

 private:
  void advance(Offset& mark, Offset to) {
    LOGCASK_CHECK(to >= mark);
    mark = to;
    LOGCASK_CHECK(next_offset_ >= written_end_ && written_end_ >= durable_end_ && durable_end_ >= committed_end_);
  }

  Offset next_offset_;
  Offset written_end_;
  Offset durable_end_;
  Offset committed_end_;
};

}  // namespace logcask
