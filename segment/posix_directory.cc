#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>

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

struct CloseDirectory {
  void operator()(DIR* stream) const { ::closedir(stream); }
};

class PosixDirectory final : public Directory {
 public:
  PosixDirectory(Descriptor descriptor, std::string path)
      : descriptor_(std::move(descriptor)), path_(std::move(path)) {}

  Result<std::unique_ptr<File>> open(const std::string& name, OpenMode mode) override {
    LOGCASK_TRY(check_name(name));
    int flags = O_CLOEXEC | O_NOFOLLOW | (mode == OpenMode::read ? O_RDONLY : O_RDWR);
    if (mode == OpenMode::create_new) flags |= O_CREAT | O_EXCL;
    Descriptor file(retry([&] { return ::openat(descriptor_.get(), name.c_str(), flags, 0640); }));
    if (!file.valid()) return failed(mode == OpenMode::create_new ? "create" : "open", name);
    struct stat info {};
    if (::fstat(file.get(), &info) != 0) return failed("stat", name);
    if (!S_ISREG(info.st_mode)) return Error{Errc::io_error, "open " + path_ + "/" + name + ": not a regular file"};
    return make_file(std::move(file), path_ + "/" + name);
  }

  Status unlink(const std::string& name) override { return remove(name, 0, "unlink"); }
  Status remove_directory(const std::string& name) override { return remove(name, AT_REMOVEDIR, "remove directory"); }

  Status rename(const std::string& from, const std::string& to) override {
    LOGCASK_TRY(check_name(from));
    LOGCASK_TRY(check_name(to));
    if (retry([&] { return ::renameat(descriptor_.get(), from.c_str(), descriptor_.get(), to.c_str()); }) != 0)
      return failed("rename to " + to + " of", from);
    return {};
  }

  Result<std::vector<Entry>> list() override {
    // A second description, so that its read position is ours alone.
    Descriptor own(retry([&] { return ::openat(descriptor_.get(), ".", kDirectoryFlags); }));
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
    if (::fsync(descriptor_.get()) != 0) return failed("sync directory", "");
    return {};
  }

  Result<std::unique_ptr<Directory>> open_directory(const std::string& name) override {
    LOGCASK_TRY(check_name(name));
    Descriptor found(retry([&] { return ::openat(descriptor_.get(), name.c_str(), kDirectoryFlags | O_NOFOLLOW); }));
    if (!found.valid()) return failed("open directory", name);
    return std::unique_ptr<Directory>(std::make_unique<PosixDirectory>(std::move(found), path_ + "/" + name));
  }

  Result<std::unique_ptr<Directory>> create_directory(const std::string& name) override {
    LOGCASK_TRY(check_name(name));
    if (retry([&] { return ::mkdirat(descriptor_.get(), name.c_str(), 0750); }) != 0)
      return failed("create directory", name);
    return open_directory(name);
  }

  Result<std::unique_ptr<DirectoryLock>> lock(const std::string& name) override {
    LOGCASK_TRY(check_name(name));
    Descriptor file(retry(
        [&] { return ::openat(descriptor_.get(), name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640); }));
    if (!file.valid()) return failed("open", name);
    const auto in_use = [&] {
      return Error{Errc::in_use, path_ + " is in use by process " + holder(file.get()) +
                                     "; stop it or choose another data directory"};
    };
    // The file may be removed under its holder, the directory may not. Where directories cannot be locked (NFS), the
    // file alone has to do.
    Descriptor own(retry([&] { return ::openat(descriptor_.get(), ".", kDirectoryFlags); }));
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

  Result<std::uint64_t> free_bytes() override {
    struct statvfs info {};
    if (retry([&] { return ::fstatvfs(descriptor_.get(), &info); }) != 0) return failed("measure", "");
    return static_cast<std::uint64_t>(info.f_bavail) * info.f_frsize;
  }

  std::string path() const override { return path_; }

 private:
  Error failed(const std::string& what, const std::string& name) const {
    return error_from_errno(errno, what + " " + path_ + (name.empty() ? "" : "/" + name));
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
    return ::fstatat(descriptor_.get(), entry.d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(info.st_mode);
  }

  Status remove(const std::string& name, int flags, const char* what) {
    LOGCASK_TRY(check_name(name));
    if (retry([&] { return ::unlinkat(descriptor_.get(), name.c_str(), flags); }) != 0) return failed(what, name);
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

  Descriptor descriptor_;
  std::string path_;
};

}  // namespace
}  // namespace posix

Result<std::unique_ptr<Directory>> open_posix_directory(const std::string& path) {
  posix::Descriptor found(posix::retry([&] { return ::open(path.c_str(), posix::kDirectoryFlags); }));
  if (!found.valid()) return error_from_errno(errno, "open directory " + path);
  return std::unique_ptr<Directory>(std::make_unique<posix::PosixDirectory>(std::move(found), path));
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
