#pragma once
// Work in a process of its own: what ends a process, and what is said on stderr.

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <string>

#include "tests/support/catch.h"

namespace logcask::testing {

struct ChildEnd {
  std::string said;  // on stderr
  int status = 0;    // as waitpid gives it
};

// The process exits with 0 when `work` returns, and with 1 when it throws, as a failed REQUIRE does. The test must have
// no other thread when it calls this.
inline ChildEnd in_child_process(const std::function<void()>& work) {
  int pipe_ends[2];
  REQUIRE(::pipe(pipe_ends) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::dup2(pipe_ends[1], 2);
    ::close(pipe_ends[0]);
    ::close(pipe_ends[1]);
    std::signal(SIGABRT, SIG_DFL);
    try {
      work();
    } catch (...) {
      ::_exit(1);
    }
    ::_exit(0);
  }
  ::close(pipe_ends[1]);
  ChildEnd end;
  char bytes[4096];
  for (ssize_t got = 0; (got = ::read(pipe_ends[0], bytes, sizeof bytes)) > 0;)
    end.said.append(bytes, static_cast<std::size_t>(got));
  ::close(pipe_ends[0]);
  REQUIRE(::waitpid(child, &end.status, 0) == child);
  return end;
}

}  // namespace logcask::testing
