#pragma once
// The program itself, run with some words: to its end, or until it is killed.

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

namespace logcask::testing {

struct ProgramEnd {
  int code = 0;      // 128 and the signal when one ended it
  std::string said;  // on standard output and standard error
};

class LogcaskProgram {
 public:
  // Starts it. `file_bytes`: the largest file it may write; 0: any.
  explicit LogcaskProgram(std::vector<std::string> words, long file_bytes = 0);
  ~LogcaskProgram();  // kills
  LogcaskProgram(const LogcaskProgram&) = delete;
  LogcaskProgram& operator=(const LogcaskProgram&) = delete;

  ProgramEnd wait();
  // SIGKILL after so long, unless it has ended by then.
  ProgramEnd kill_after(std::chrono::microseconds time);

 private:
  pid_t pid_ = -1;
  std::string output_;  // a file: a pipe would stop a program that nobody reads
};

inline ProgramEnd run_logcask(std::vector<std::string> words) { return LogcaskProgram(std::move(words)).wait(); }

}  // namespace logcask::testing
