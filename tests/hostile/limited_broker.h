#pragma once
// The real program as a child process that may not have more than 256 MiB of memory of its own.
//
// The limit is RLIMIT_DATA (all private writable memory, thread stacks of 1 MiB included); a control group needs
// rights that tests rarely have. Under a sanitizer there is no limit.

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/temp_dir.h"

namespace logcask::testing {

class LimitedBroker {
 public:
  static constexpr std::uint64_t kMemoryBytes = 256u << 20;

  explicit LimitedBroker(const std::vector<std::string>& settings = {}, std::uint64_t open_files = 0);
  ~LimitedBroker();  // kills
  LimitedBroker(const LimitedBroker&) = delete;
  LimitedBroker& operator=(const LimitedBroker&) = delete;

  std::uint16_t port() const { return port_; }
  const std::string& directory() const { return directory_.path(); }
  // Highest resident memory so far.
  std::uint64_t peak_rss_bytes() const;
  // Processor time so far.
  std::int64_t cpu_ms() const;
  std::uint64_t open_files() const;
  void limit_open_files(std::uint64_t soft);
  bool alive();
  // Everything it wrote to its log.
  std::string log() const;
  // SIGTERM; the exit code.
  int stop();

 private:
  TempDir directory_;
  pid_t pid_ = -1;
  int output_ = -1;
  std::uint16_t port_ = 0;
};

// Why limits and bounds of memory are not checked here; empty when they are.
std::string memory_check_skipped();

}  // namespace logcask::testing
