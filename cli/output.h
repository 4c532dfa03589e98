#pragma once
// Standard output of a verb: buffered, binary-safe, and quiet when the reader has gone (`logcask consume t | head`).
//
// Append to buffer() and call flush(), which with an empty buffer still notices that the reader has gone;
// flush_if_large() bounds memory in loops. Both say false when nothing more can be written; the verb then returns
// finish(). Threads: one at a time.

#include <string>

namespace logcask::cli {

class Output {
 public:
  explicit Output(int descriptor = 1) : descriptor_(descriptor) {}

  std::string& buffer() { return buffer_; }
  [[nodiscard]] bool flush();
  [[nodiscard]] bool flush_if_large() { return buffer_.size() < kLargeBytes || flush(); }
  // Flushes what is left. The given code, or, when output failed, kExitOk for a reader that went away and kExitFailed,
  // with a line on stderr, for anything else (a full disk).
  int finish(int code = 0);

 private:
  static constexpr std::size_t kLargeBytes = 64u << 10;
  int descriptor_;
  int error_ = 0;  // errno of the first failed write
  std::string buffer_;
};

// Prints `logcask VERB: message` as one line to stderr; set_verb_name names the verb once at start.
void set_verb_name(const std::string& verb);
void print_error(const std::string& message);

}  // namespace logcask::cli
