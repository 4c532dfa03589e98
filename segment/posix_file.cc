#include "segment/posix_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>

#include "segment/posix_descriptor.h"

namespace logcask {
namespace posix {
namespace {

constexpr std::size_t kPiecesPerCall = 64;

class PosixFile final : public File {
 public:
  PosixFile(Descriptor descriptor, std::shared_ptr<const Descriptor> root, std::string name, int flags,
            std::string path)
      : descriptor_(std::move(descriptor)),
        root_(std::move(root)),
        name_(std::move(name)),
        flags_(flags),
        path_(std::move(path)) {
    struct stat info {};
    if (::fstat(descriptor_.get(), &info) == 0) {
      device_ = info.st_dev;
      inode_ = info.st_ino;
    }
  }

  Status write_at(std::uint64_t position, std::span<const ByteView> pieces) override {
    const Use use(*this);
    LOGCASK_TRY(use.status());
    std::size_t skip = 0;  // bytes of the first piece that are written already
    while (!pieces.empty()) {
      std::array<iovec, kPiecesPerCall> vectors;
      const std::size_t count = std::min(pieces.size(), kPiecesPerCall);
      for (std::size_t i = 0; i < count; ++i) {
        const ByteView piece = i == 0 ? pieces[0].substr(skip) : pieces[i];
        vectors[i] = {const_cast<char*>(piece.data()), piece.size()};
      }
      const ssize_t wrote = retry([&] {
        return ::pwritev(descriptor_.get(), vectors.data(), static_cast<int>(count), static_cast<off_t>(position));
      });
      if (wrote < 0) return failed("write");
      position += static_cast<std::uint64_t>(wrote);
      if (!advance(pieces, skip, static_cast<std::size_t>(wrote)) && wrote == 0)
        return Error{Errc::io_error, "write " + path_ + ": the system wrote nothing"};
    }
    return {};
  }

  Result<std::size_t> read_at(std::uint64_t position, std::span<char> out) const override {
    const Use use(*this);
    if (!use.status().ok()) return use.status().error();
    std::size_t done = 0;
    while (done < out.size()) {
      const ssize_t got = retry([&] {
        return ::pread(descriptor_.get(), out.data() + done, out.size() - done, static_cast<off_t>(position + done));
      });
      if (got < 0) return failed("read");
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

  Status preallocate(std::uint64_t size) override {
    if (size == 0) return {};
    const Use use(*this);
    LOGCASK_TRY(use.status());
    const int result =
        retry([&] { return ::fallocate(descriptor_.get(), FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(size)); });
    if (result == 0 || errno == EOPNOTSUPP || errno == ENOSYS) return {};
    return failed("reserve blocks of");
  }

  Status truncate(std::uint64_t size) override {
    const Use use(*this);
    LOGCASK_TRY(use.status());
    if (retry([&] { return ::ftruncate(descriptor_.get(), static_cast<off_t>(size)); }) != 0) return failed("truncate");
    return {};
  }

  // No EINTR loop: a sync that did not say yes is never asked again.
  Status sync_data() override {
    const Use use(*this);
    LOGCASK_TRY(use.status());
    if (::fdatasync(descriptor_.get()) != 0) return failed("sync");
    return {};
  }

  void sync_soon() override {
    const Use use(*this);
    if (use.status().ok()) (void)::sync_file_range(descriptor_.get(), 0, 0, SYNC_FILE_RANGE_WRITE);
  }

  Result<std::uint64_t> size() const override {
    const Use use(*this);
    if (!use.status().ok()) return use.status().error();
    struct stat info {};
    if (::fstat(descriptor_.get(), &info) != 0) return failed("stat");
    return static_cast<std::uint64_t>(info.st_size);
  }

  // By the name where the file rests: to look needs no descriptor.
  Result<bool> linked() const override {
    struct stat info {};
    if (try_enter()) {
      const int result = ::fstat(descriptor_.get(), &info);
      leave();
      if (result != 0) return failed("stat");
      return info.st_nlink > 0;
    }
    if (retry([&] { return ::fstatat(root_->get(), name_.c_str(), &info, AT_SYMLINK_NOFOLLOW); }) == 0)
      return is_ours(info);
    if (errno == ENOENT || errno == ENOTDIR) return false;
    return failed("stat");
  }

  void rest() override {
    const std::lock_guard lock(rest_mutex_);
    int unused = 0;
    if (users_.compare_exchange_strong(unused, kResting)) Descriptor closed(std::move(descriptor_));
  }

  Status wake() override { return Use(*this).status(); }

 private:
  static constexpr int kResting = -1;

  // The descriptor is there from construction to destruction.
  class Use {
   public:
    explicit Use(const PosixFile& file) : file_(file), status_(file.enter()) {}
    ~Use() {
      if (status_.ok()) file_.leave();
    }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    const Status& status() const { return status_; }

   private:
    const PosixFile& file_;
    const Status status_;
  };

  bool try_enter() const {
    int users = users_.load(std::memory_order_relaxed);
    while (users != kResting)
      if (users_.compare_exchange_weak(users, users + 1, std::memory_order_acquire)) return true;
    return false;
  }
  void leave() const { users_.fetch_sub(1, std::memory_order_release); }

  Status enter() const {
    if (try_enter()) return {};
    const std::lock_guard lock(rest_mutex_);
    if (try_enter()) return {};
    Descriptor again(retry([&] { return ::openat(root_->get(), name_.c_str(), flags_); }));
    if (!again.valid()) return failed("open again");
    struct stat info {};
    if (::fstat(again.get(), &info) != 0) return failed("stat");
    if (!is_ours(info))
      return Error{Errc::io_error, "open again " + path_ + ": another file has its name; it was replaced from outside"};
    descriptor_ = std::move(again);
    users_.store(1, std::memory_order_release);
    return {};
  }

  bool is_ours(const struct stat& info) const { return info.st_dev == device_ && info.st_ino == inode_; }

  Error failed(const char* what) const { return error_from_errno(errno, std::string(what) + " " + path_); }

  // Steps over `wrote` bytes of the pieces; false when that moved nothing.
  static bool advance(std::span<const ByteView>& pieces, std::size_t& skip, std::size_t wrote) {
    bool moved = wrote > 0;
    while (!pieces.empty() && wrote >= pieces[0].size() - skip) {
      wrote -= pieces[0].size() - skip;
      skip = 0;
      pieces = pieces.subspan(1);
      moved = true;
    }
    skip += wrote;
    return moved;
  }

  // Written under the mutex and only while nobody uses it.
  mutable Descriptor descriptor_;
  mutable std::mutex rest_mutex_;
  mutable std::atomic<int> users_{0};  // or kResting
  const std::shared_ptr<const Descriptor> root_;
  const std::string name_;
  const int flags_;
  const std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

std::unique_ptr<File> make_file(Descriptor descriptor, std::shared_ptr<const Descriptor> root, std::string name,
                                int flags, std::string path) {
  return std::make_unique<PosixFile>(std::move(descriptor), std::move(root), std::move(name), flags, std::move(path));
}

}  // namespace posix
}  // namespace logcask
