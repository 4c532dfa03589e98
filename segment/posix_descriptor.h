#pragma once
// Internal to posix_*.cc: an owned file descriptor, the EINTR loop, and the File made of one.

#include <cerrno>
#include <memory>
#include <string>
#include <utility>

#include "segment/file.h"

namespace logcask::posix {

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  // Somebody else closes it now.
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

// Calls again while the system says EINTR.
template <class F>
auto retry(F&& call) {
  while (true) {
    const auto result = call();
    if (result >= 0 || errno != EINTR) return result;
  }
}

// `name` relative to `root` leads to the file, so that it can be opened again after a rest.
std::unique_ptr<File> make_file(Descriptor descriptor, std::shared_ptr<const Descriptor> root, std::string name,
                                int flags, std::string path);

}  // namespace logcask::posix
