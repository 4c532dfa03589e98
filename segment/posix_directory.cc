#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "segment/posix_descriptor.h"
#include "segment/posix_file.h"

namespace logcask {
namespace posix {
namespace {

constexpr int kDirectoryFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

class PosixLock final : public DirectoryLock {
 public:
  PosixLock(Descriptor directory, Descriptor file) : directory_(std::move(directory)), file_(std::move(file)) {}

 private:
  // Closing them gives the locks up.
  Descriptor directory_;
  Descriptor file_;
};

// Who may and who asked: most often a broker was once started as another user. Null: not even that can be seen.
std::string whose_it_is(const struct stat* info) {
  const std::string me = std::to_string(::geteuid());
  if (!info) return "; this process runs as user id " + me;
  char mode[8];
  std::snprintf(mode, sizeof mode, "%04o", static_cast<unsigned>(info->st_mode & 07777));
  return "; it belongs to user id " + std::to_string(info->st_uid) + ", mode " + mode +
         ", and this process runs as user id " + me +
         ": give the data directory to that user ('chown -R') or start as its owner";
}

struct CloseDirectory {
  void operator()(DIR* stream) const { ::closedir(stream); }
};

// One handle for the directory that was opened by its path. Those inside it are named under that handle and hold no
// descriptor of their own: thousands of partitions at rest cost none.
class PosixDirectory final : public Directory {
 public:
  // `inside` is empty, or names the directory under the root with a slash at its end.
  PosixDirectory(std::shared_ptr<const Descriptor> root, std::string inside, std::string path)
      : root_(std::move(root)), inside_(std::move(inside)), path_(std::move(path)) {}

  Result<std::unique_ptr<File>> open(const std::string& name, OpenMode mode) override {
    LOGCASK_TRY(check_name(name));
    int flags = O_CLOEXEC | O_NOFOLLOW | (mode == OpenMode::read ? O_RDONLY : O_RDWR);
    if (mode == OpenMode::create_new) flags |= O_CREAT | O_EXCL;
    const std::string under_root = inside_ + name;
    Descriptor file(retry([&] { return ::openat(root_->get(), under_root.c_str(), flags, 0640); }));
    if (!file.valid()) return failed(mode == OpenMode::create_new ? "create" : "open", name);
    struct stat info {};
    if (::fstat(file.get(), &info) != 0) return failed("stat", name);
    if (!S_ISREG(info.st_mode)) return Error{Errc::io_error, "open " + path_ + "/" + name + ": not a regular file"};
    return make_file(std::move(file), root_, under_root, flags & ~(O_CREAT | O_EXCL), path_ + "/" + name);
  }

  Status unlink(const std::string& name) override { return remove(name, 0, "unlink"); }
  Status remove_directory(const std::string& name) override { return remove(name, AT_REMOVEDIR, "remove directory"); }

  Status rename(const std::string& from, const std::string& to) override {
    LOGCASK_TRY(check_name(from));
    LOGCASK_TRY(check_name(to));
    const std::string old_name = inside_ + from, new_name = inside_ + to;
    if (retry([&] { return ::renameat(root_->get(), old_name.c_str(), root_->get(), new_name.c_str()); }) != 0)
      return failed("rename to " + to + " of", from);
    return {};
  }

  Result<std::vector<Entry>> list() override {
    // A description of its own, so that its read position is ours alone.
    Descriptor own = handle();
    if (!own.valid()) return failed("list", "");
    std::unique_ptr<DIR, CloseDirectory> stream(::fdopendir(own.get()));
    if (!stream) return failed("list", "");
    own.release();
    std::vector<Entry> entries;
    while (true) {
      errno = 0;
      const dirent* found = ::readdir(stream.get());
      if (!found) break;
      const std::string name = found->d_name;
      if (name == "." || name == "..") continue;
      entries.push_back({name, is_directory(*found)});
    }
    if (errno != 0) return failed("list", "");
    std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.name < b.name; });
    return entries;
  }

  Status sync() override {
    const Descriptor own = handle();
    if (!own.valid() || ::fsync(own.get()) != 0) return failed("sync directory", "");
    return {};
  }

  Result<std::unique_ptr<Directory>> open_directory(const std::string& name) override {
    LOGCASK_TRY(check_name(name));
    const std::string under_root = inside_ + name;
    struct stat info {};
    if (retry([&] { return ::fstatat(root_->get(), under_root.c_str(), &info, AT_SYMLINK_NOFOLLOW); }) != 0)
      return failed("open directory", name);
    if (!S_ISDIR(info.st_mode)) return error_from_errno(ENOTDIR, "open directory " + path_ + "/" + name);
    return std::unique_ptr<Directory>(std::make_unique<PosixDirectory>(root_, under_root + "/", path_ + "/" + name));
  }

  Result<std::unique_ptr<Directory>> create_directory(const std::string& name) override {
    LOGCASK_TRY(check_name(name));
    const std::string under_root = inside_ + name;
    if (retry([&] { return ::mkdirat(root_->get(), under_root.c_str(), 0750); }) != 0)
      return failed("create directory", name);
    return open_directory(name);
  }

  Result<std::unique_ptr<DirectoryLock>> lock(const std::string& name) override {
    LOGCASK_TRY(check_name(name));
    const std::string under_root = inside_ + name;
    Descriptor file(retry(
        [&] { return ::openat(root_->get(), under_root.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640); }));
    if (!file.valid()) return failed("open", name);
    const auto in_use = [&] {
      return Error{Errc::in_use, path_ + " is in use by process " + holder(file.get()) +
                                     "; stop it or choose another data directory"};
    };
    // The file may be removed under its holder, the directory may not. Where directories cannot be locked (NFS), the
    // file alone has to do.
    Descriptor own = handle();
    if (!own.valid()) return failed("open", "");
    if (retry([&] { return ::flock(own.get(), LOCK_EX | LOCK_NB); }) != 0 && errno == EWOULDBLOCK) return in_use();
    struct flock whole {};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    if (retry([&] { return ::fcntl(file.get(), F_OFD_SETLK, &whole); }) != 0) {
      if (errno != EAGAIN && errno != EACCES) return failed("lock", name);
      return in_use();
    }
    LOGCASK_TRY(write_pid(file.get(), name));
    return std::unique_ptr<DirectoryLock>(std::make_unique<PosixLock>(std::move(own), std::move(file)));
  }

  Result<DiskSpace> space() override {
    const Descriptor own = handle();
    struct statvfs info {};
    if (!own.valid() || retry([&] { return ::fstatvfs(own.get(), &info); }) != 0) return failed("measure", "");
    DiskSpace space;
    space.total_bytes = static_cast<std::uint64_t>(info.f_blocks) * info.f_frsize;
    space.free_bytes = static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
    // Btrfs and others make inodes as they need them and count none.
    if (info.f_files > 0) space.free_files = info.f_favail;
    return space;
  }

  Result<bool> in_place() override {
    const auto gone = [] { return errno == ENOENT || errno == ENOTDIR; };
    struct stat held {
    }, named{};
    const int result = inside_.empty() ? ::fstat(root_->get(), &held)
                                       : ::fstatat(root_->get(), inside_.c_str(), &held, AT_SYMLINK_NOFOLLOW);
    if (result != 0) return gone() ? Result<bool>(false) : failed("stat", "");
    if (held.st_nlink == 0) return false;
    if (retry([&] { return ::stat(path_.c_str(), &named); }) != 0)
      return gone() ? Result<bool>(false) : failed("stat", "");
    return held.st_dev == named.st_dev && held.st_ino == named.st_ino;
  }

  std::string path() const override { return path_; }

 private:
  Error failed(const std::string& what, const std::string& name) const {
    const int number = errno;
    Error error = error_from_errno(number, what + " " + path_ + (name.empty() ? "" : "/" + name));
    if (number == EACCES || number == EPERM) error.message += whose(name);
    return error;
  }

  std::string whose(const std::string& name) const {
    struct stat info {};
    const std::string under_root = inside_ + name;
    const bool found = under_root.empty()
                           ? ::fstat(root_->get(), &info) == 0
                           : ::fstatat(root_->get(), under_root.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0;
    return whose_it_is(found ? &info : nullptr);
  }

  // For what needs a descriptor of the directory itself, as long as it takes.
  Descriptor handle() const {
    return Descriptor(
        retry([&] { return ::openat(root_->get(), inside_.empty() ? "." : inside_.c_str(), kDirectoryFlags); }));
  }

  // Names are single components: nothing reaches outside this directory.
  Status check_name(const std::string& name) const {
    if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos ||
        name.find('\0') != std::string::npos)
      return Error{Errc::invalid_argument, "not a file name in " + path_ + ": '" + name + "'"};
    return {};
  }

  bool is_directory(const dirent& entry) const {
    if (entry.d_type != DT_UNKNOWN) return entry.d_type == DT_DIR;
    struct stat info {};
    const std::string under_root = inside_ + entry.d_name;
    return ::fstatat(root_->get(), under_root.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(info.st_mode);
  }

  Status remove(const std::string& name, int flags, const char* what) {
    LOGCASK_TRY(check_name(name));
    const std::string under_root = inside_ + name;
    if (retry([&] { return ::unlinkat(root_->get(), under_root.c_str(), flags); }) != 0) return failed(what, name);
    return {};
  }

  static std::string holder(int fd) {
    char text[32];
    const ssize_t got = retry([&] { return ::pread(fd, text, sizeof text, 0); });
    std::string pid;
    for (ssize_t i = 0; i < got && text[i] >= '0' && text[i] <= '9'; ++i) pid += text[i];
    return pid.empty() ? "(pid unknown)" : pid;
  }

  Status write_pid(int fd, const std::string& name) {
    // Written over and then cut, because a full disk may not give back what an empty file has let go.
    const std::string text = std::to_string(::getpid()) + "\n";
    const auto wrote = retry([&] { return ::pwrite(fd, text.data(), text.size(), 0); });
    // The lock holds without the pid.
    if (wrote < 0 && (errno == ENOSPC || errno == EDQUOT)) return {};
    if (wrote != static_cast<ssize_t>(text.size()) ||
        retry([&] { return ::ftruncate(fd, static_cast<off_t>(text.size())); }) != 0)
      return failed("write", name);
    return {};
  }

  const std::shared_ptr<const Descriptor> root_;
  const std::string inside_;
  const std::string path_;
};

}  // namespace
}  // namespace posix

Result<std::unique_ptr<Directory>> open_posix_directory(const std::string& path) {
  posix::Descriptor found(posix::retry([&] { return ::open(path.c_str(), posix::kDirectoryFlags); }));
  if (!found.valid()) {
    const int number = errno;
    Error error = error_from_errno(number, "open directory " + path);
    struct stat info {};
    if (number == EACCES || number == EPERM)
      error.message += posix::whose_it_is(::stat(path.c_str(), &info) == 0 ? &info : nullptr);
    return error;
  }
  auto root = std::make_shared<const posix::Descriptor>(std::move(found));
  return std::unique_ptr<Directory>(std::make_unique<posix::PosixDirectory>(std::move(root), "", path));
}

Result<std::unique_ptr<Directory>> create_posix_directory(const std::string& path) {
  auto opened = open_posix_directory(path);
  if (opened.code() != Errc::not_found) return opened;
  std::string trimmed = path;
  while (trimmed.size() > 1 && trimmed.back() == '/') trimmed.pop_back();
  const std::size_t slash = trimmed.rfind('/');
  const std::string parent_path = slash == std::string::npos ? "." : slash == 0 ? "/" : trimmed.substr(0, slash);
  LOGCASK_ASSIGN(auto parent, create_posix_directory(parent_path));
  const std::string name = slash == std::string::npos ? trimmed : trimmed.substr(slash + 1);
  auto created = parent->create_directory(name);
  if (!created.ok() && created.code() != Errc::already_exists) return std::move(created).error();
  LOGCASK_TRY(parent->sync());
  return open_posix_directory(path);  // the caller's spelling in messages
}

}  // namespace logcask
