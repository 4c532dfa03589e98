#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace logcask {

void check_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "logcask: broken invariant at %s:%d: %s\n", file, line, expression);
  std::abort();
}

}  // namespace logcask
