#pragma once
// Taking a lock that another thread holds often but never for long. Internal to client/.

#include <mutex>

namespace logcask::client {

inline void relax_processor() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// A sending thread holds the lock most of the time, but never for long: worth a few microseconds of trying before the
// kernel is asked, which costs both sides a system call.
inline std::unique_lock<std::mutex> lock_soon(std::mutex& mutex) {
  for (int tries = 0; tries < 200; ++tries) {
    std::unique_lock lock(mutex, std::try_to_lock);
    if (lock) return lock;
    for (int pause = 0; pause < 8; ++pause) relax_processor();
  }
  return std::unique_lock(mutex);
}

}  // namespace logcask::client
