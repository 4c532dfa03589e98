#pragma once
// LOGCASK_CHECK: an assertion that stays on in release builds. It is for broken invariants only,
// never for input: a process that no longer knows what is true must not write to a disk.

#include <logcask/export.h>

namespace logcask {

[[noreturn]] LOGCASK_API void check_failed(const char* expression, const char* file, int line);

}  // namespace logcask

#define LOGCASK_CHECK(condition)                               \
  do {                                                         \
    if (!(condition)) [[unlikely]]                             \
      ::logcask::check_failed(#condition, __FILE__, __LINE__); \
  } while (false)
