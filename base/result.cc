#include "base/result.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace logcask {
namespace {

Errc errc_of(int error_number) {
  switch (error_number) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
      return Errc::storage_full;
    case ENOENT:
      return Errc::not_found;
    case EEXIST:
    case ENOTEMPTY:
      return Errc::already_exists;
    case EACCES:
    case EPERM:
    case EROFS:
      return Errc::permission_denied;
    case EMFILE:
    case ENFILE:
      return Errc::limit_exceeded;
    default:
      return Errc::io_error;
  }
}

}  // namespace

void value_of_error(const Error& error) {
  std::fprintf(stderr, "logcask: the value of a failed call was taken: %s\n", error.to_string().c_str());
  std::abort();
}

Error error_from_errno(int error_number, const std::string& what) {
  char buffer[128];
  const char* text = strerror_r(error_number, buffer, sizeof buffer);
  return Error{errc_of(error_number), what + ": " + text};
}

}  // namespace logcask
