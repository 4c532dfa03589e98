#include "cli/read_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace logcask::cli {
namespace {

class Held {
 public:
  explicit Held(int descriptor) : descriptor_(descriptor) {}
  ~Held() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Held(Held&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Held& operator=(Held&&) = delete;
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

class ReadLock final : public DirectoryLock {
 public:
  ReadLock(Held directory, Held file) : directory_(std::move(directory)), file_(std::move(file)) {}

 private:
  // Closing them gives the locks up.
  Held directory_;
  Held file_;
};

Error read_lock_in_use(const std::string& path) {
  return Error{Errc::in_use, path +
                                 " is in use by a broker, which changes files while they are read; stop it first, or "
                                 "verify a copy"};
}

}  // namespace

// The same two locks that a broker takes, shared instead of exclusive.
Result<std::unique_ptr<DirectoryLock>> lock_for_reading(const std::string& path, const std::string& name) {
  Held directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0) return error_from_errno(errno, "open " + path);
  Held file(::openat(directory.get(), name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (file.get() < 0 && errno == ENOENT) return std::unique_ptr<DirectoryLock>();
  if (file.get() < 0) return error_from_errno(errno, "open " + path + "/" + name);
  if (::flock(directory.get(), LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK) return read_lock_in_use(path);
  struct flock whole {};
  whole.l_type = F_RDLCK;
  whole.l_whence = SEEK_SET;
  if (::fcntl(file.get(), F_OFD_SETLK, &whole) != 0 && (errno == EAGAIN || errno == EACCES))
    return read_lock_in_use(path);
  return std::unique_ptr<DirectoryLock>(std::make_unique<ReadLock>(std::move(directory), std::move(file)));
}

}  // namespace logcask::cli
