#include "cli/line_reader.h"

#include <unistd.h>

#include <cerrno>

#include "cli/interrupt.h"

namespace logcask::cli {
namespace {

constexpr std::size_t kReadBytes = 256u << 10;

}  // namespace

Result<bool> StreamReader::read_more() {
  if (ended_) return false;
  if (buffer_.size() - start_ >= max_record_bytes_)
    return Error{Errc::invalid_record, "more than " + std::to_string(max_record_bytes_) +
                                           " bytes, the most that is read as one record (a line end missing?)"};
  buffer_.erase(0, start_);
  start_ = 0;
  const std::size_t held = buffer_.size();
  buffer_.resize(held + kReadBytes);
  ssize_t got = 0;
  do {
    got = ::read(descriptor_, buffer_.data() + held, kReadBytes);
  } while (got < 0 && errno == EINTR && !interrupted());
  const int error = errno;
  buffer_.resize(held + static_cast<std::size_t>(got > 0 ? got : 0));
  if (got < 0 && error == EINTR) return Error{Errc::cancelled, "interrupted"};
  if (got < 0) return error_from_errno(error, "read the input");
  ended_ = got == 0;
  return !ended_;
}

Result<bool> StreamReader::next_line(ByteView& line) {
  std::size_t searched = 0;
  while (true) {
    const ByteView unread = ByteView(buffer_).substr(start_);
    const std::size_t newline = unread.find('\n', searched);
    if (newline != ByteView::npos) {
      line = unread.substr(0, newline);
      start_ += newline + 1;
      return true;
    }
    searched = unread.size();
    LOGCASK_ASSIGN(const bool more, read_more());
    if (more) continue;
    line = ByteView(buffer_).substr(start_);
    start_ = buffer_.size();
    return !line.empty();
  }
}

Result<ByteView> StreamReader::peek(std::size_t bytes) {
  while (buffer_.size() - start_ < bytes) {
    LOGCASK_ASSIGN(const bool more, read_more());
    if (!more) break;
  }
  return ByteView(buffer_).substr(start_);
}

}  // namespace logcask::cli
