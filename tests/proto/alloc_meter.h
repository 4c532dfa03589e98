#pragma once
// Counts what operator new hands out in this test program, to prove that hostile input stays bounded.

#include <cstddef>

namespace logcask {

// The largest number of bytes live at once since construction, beyond those live then. One at a time.
class AllocMeter {
 public:
  AllocMeter();
  std::size_t peak_bytes() const;

 private:
  std::size_t start_;
};

}  // namespace logcask
