#pragma once
// Reads a stream line by line, or in pieces of the caller's choice, with memory bounded by the largest record.

#include <cstddef>
#include <string>

#include "base/result.h"
#include "base/types.h"

namespace logcask::cli {

class StreamReader {
 public:
  static constexpr std::size_t kDefaultMaxRecordBytes = 64u << 20;
  // Does not own the descriptor.
  explicit StreamReader(int descriptor, std::size_t max_record_bytes = kDefaultMaxRecordBytes)
      : descriptor_(descriptor), max_record_bytes_(max_record_bytes) {}

  // The next line without its newline; false at the end. A last line without newline counts. The view lives until the
  // next call. invalid_record when a line outgrows the limit, io errors of read, cancelled when a signal came.
  Result<bool> next_line(ByteView& line);
  // At least `bytes` unread bytes if the stream has them, without taking them: fewer only at its end.
  Result<ByteView> peek(std::size_t bytes);
  void take(std::size_t bytes) { start_ += bytes; }

 private:
  Result<bool> read_more();

  int descriptor_;
  std::size_t max_record_bytes_;
  std::string buffer_;
  std::size_t start_ = 0;  // of the unread bytes
  bool ended_ = false;
};

}  // namespace logcask::cli
