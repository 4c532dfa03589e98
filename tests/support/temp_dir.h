#pragma once
// A directory of its own for one test, under TMPDIR or /tmp; removed with everything in it on destruction.

#include <string>

namespace logcask::testing {

class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace logcask::testing
