#include "segment/posix_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "segment/posix_descriptor.h"

namespace logcask {
namespace posix {
namespace {

constexpr std::size_t kPiecesPerCall = 64;

class PosixFile final : public File {
 public:
  PosixFile(Descriptor descriptor, std::string path) : descriptor_(std::move(descriptor)), path_(std::move(path)) {}

  Status write_at(std::uint64_t position, std::span<const ByteView> pieces) override {
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
    const int result =
        retry([&] { return ::fallocate(descriptor_.get(), FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(size)); });
    if (result == 0 || errno == EOPNOTSUPP || errno == ENOSYS) return {};
    return failed("reserve blocks of");
  }

  Status truncate(std::uint64_t size) override {
    if (retry([&] { return ::ftruncate(descriptor_.get(), static_cast<off_t>(size)); }) != 0) return failed("truncate");
    return {};
  }

  // No EINTR loop: a sync that did not say yes is never asked again.
  Status sync_data() override {
    if (::fdatasync(descriptor_.get()) != 0) return failed("sync");
    return {};
  }

  Result<std::uint64_t> size() const override {
    struct stat info {};
    if (::fstat(descriptor_.get(), &info) != 0) return failed("stat");
    return static_cast<std::uint64_t>(info.st_size);
  }

 private:
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

  Descriptor descriptor_;
  std::string path_;
};

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) ::close(fd_);
}

std::unique_ptr<File> make_file(Descriptor descriptor, std::string path) {
  return std::make_unique<PosixFile>(std::move(descriptor), std::move(path));
}

}  // namespace posix
}  // namespace logcask
