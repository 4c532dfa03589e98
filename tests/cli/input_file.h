#pragma once
// A descriptor that reads what it was given, any number of bytes.

#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "tests/support/catch.h"

class InputFile {
 public:
  explicit InputFile(std::string_view content) : descriptor_(::memfd_create("input", MFD_CLOEXEC)) {
    REQUIRE(descriptor_ >= 0);
    REQUIRE(::write(descriptor_, content.data(), content.size()) == static_cast<ssize_t>(content.size()));
    REQUIRE(::lseek(descriptor_, 0, SEEK_SET) == 0);
  }
  ~InputFile() { ::close(descriptor_); }
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};
