#pragma once
// The real program as a child process on a free port: started, killed, stopped, by its pid. One that has ended by
// itself before it was killed (a signal, a broken invariant, a sanitizer's report) fails the test.

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace logcask::testing {

class BrokerProcess {
 public:
  // Waits until it says where it listens; fails the test when it does not.
  // `open_files` is its limit of open files; 0: this process's.
  BrokerProcess(const std::string& data_directory, const std::vector<std::string>& settings = {}, int open_files = 0);
  ~BrokerProcess();  // kills
  // Starts one and kills it, wherever it has got to by then.
  static void start_and_kill(const std::string& data_directory, std::chrono::microseconds after);
  BrokerProcess(const BrokerProcess&) = delete;
  BrokerProcess& operator=(const BrokerProcess&) = delete;

  std::uint16_t port() const { return port_; }
  // SIGKILL, and waits for the end; fails the test when that was another one.
  void kill();
  // SIGTERM; returns the exit code.
  int stop();

 private:
  int wait();
  pid_t pid_ = -1;
  int output_ = -1;
  std::uint16_t port_ = 0;
};

}  // namespace logcask::testing
