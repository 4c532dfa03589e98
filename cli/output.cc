#include "cli/output.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "cli/exit_code.h"

namespace logcask::cli {
namespace {

std::string& verb_name() {
  static std::string name;
  return name;
}

// Errno of the write that failed, 0 when all was written.
int write_all(int descriptor, const std::string& bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t wrote = ::write(descriptor, bytes.data() + done, bytes.size() - done);
    if (wrote >= 0)
      done += static_cast<std::size_t>(wrote);
    else if (errno != EINTR)
      return errno;
  }
  return 0;
}

// EPIPE when the other end of the pipe is closed, else 0: a verb with nothing to write would never be told.
int reader_error(int descriptor) {
  pollfd pipe{descriptor, 0, 0};  // POLLERR comes unasked
  return ::poll(&pipe, 1, 0) == 1 && (pipe.revents & POLLERR) != 0 ? EPIPE : 0;
}

}  // namespace

bool Output::flush() {
  if (error_ == 0) error_ = buffer_.empty() ? reader_error(descriptor_) : write_all(descriptor_, buffer_);
  buffer_.clear();
  return error_ == 0;
}

int Output::finish(int code) {
  if ((buffer_.empty() && error_ == 0) || flush()) return code;
  if (error_ == EPIPE) return kExitOk;
  print_error(std::string("cannot write to standard output: ") + std::strerror(error_));
  return kExitFailed;
}

void set_verb_name(const std::string& verb) { verb_name() = verb; }

void print_error(const std::string& message) {
  std::string line = "logcask" + (verb_name().empty() ? "" : " " + verb_name()) + ": " + message;
  for (char& byte : line)
    if (byte == '\n' || byte == '\r') byte = ' ';
  line += '\n';
  // Nobody is left to be told when even this fails.
  (void)write_all(2, line);
}

}  // namespace logcask::cli
