#pragma once
// What every fuzz target shares: its form, and how an input is cut into choices and bytes.
//
// A target takes any bytes and must return. A broken property aborts (LOGCASK_CHECK), so do the sanitizers. Targets
// keep nothing between two inputs that could change what the next one does: a finding is one file.

#include <cstdint>
#include <string>

#include "base/check.h"
#include "base/coding.h"
#include "base/types.h"

namespace logcask::fuzz {

struct Target {
  const char* name;  // of the program fuzz_NAME and of the folder corpus/NAME
  void (*run)(ByteView input);
};

// NAME##_target.cc defines fuzz_NAME. Batches: one target per codec, and one whose header is the input's too.
// clang-format off
#define LOGCASK_FUZZ_TARGETS(X) \
  X(frame) X(request) \
  X(batch_none) X(batch_gzip) X(batch_snappy) X(batch_lz4) X(batch_zstd) X(batch_raw) \
  X(log_scan) X(segment) X(hint) X(offset_index) X(time_index) X(sync_log) X(manifest) X(producers) \
  X(lookup) X(token) X(commit) X(config) X(kafka_request) X(http_request)
// clang-format on

#define LOGCASK_FUZZ_DECLARE(name) void fuzz_##name(ByteView input);
LOGCASK_FUZZ_TARGETS(LOGCASK_FUZZ_DECLARE)
#undef LOGCASK_FUZZ_DECLARE

// The input from front to back; behind its end everything is zero and empty.
class Input {
 public:
  explicit Input(ByteView bytes) : rest_(bytes) {}

  std::uint8_t byte() { return number<std::uint8_t>(); }
  std::uint16_t word() { return number<std::uint16_t>(); }
  template <class T>
  T number() {
    if (rest_.size() < sizeof(T)) {
      rest_ = {};
      return T{};
    }
    const T value = load_be<T>(rest_.data());
    rest_.remove_prefix(sizeof(T));
    return value;
  }
  // At most `size` bytes.
  ByteView take(std::size_t size) {
    const ByteView taken = rest_.substr(0, size);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  ByteView rest() { return take(rest_.size()); }
  bool empty() const { return rest_.empty(); }

 private:
  ByteView rest_;
};

}  // namespace logcask::fuzz
