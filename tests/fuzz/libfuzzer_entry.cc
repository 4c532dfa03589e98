// libFuzzer's entry: one program per target, named by LOGCASK_FUZZ_TARGET.
#include <cstddef>

#include "tests/fuzz/fuzz.h"

#define LOGCASK_FUZZ_JOIN(name) logcask::fuzz::fuzz_##name
#define LOGCASK_FUZZ_RUN(name) LOGCASK_FUZZ_JOIN(name)

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A null pointer is libFuzzer's empty input.
  LOGCASK_FUZZ_RUN(LOGCASK_FUZZ_TARGET)
  (size == 0 ? logcask::ByteView("", 0) : logcask::ByteView(reinterpret_cast<const char*>(data), size));
  return 0;
}
