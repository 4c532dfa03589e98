#include "tests/backup/logcask_program.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string_view>
#include <thread>
#include <utility>

#include "tests/support/catch.h"

extern char** environ;

namespace logcask::testing {

LogcaskProgram::LogcaskProgram(std::vector<std::string> words, long file_bytes) {
  words.insert(words.begin(), LOGCASK_BINARY);
  if (file_bytes > 0) {
    // In blocks of 512 bytes. The signal of a file that grows too large is ignored: the write fails instead.
    const std::string limited = "trap '' XFSZ; ulimit -f " + std::to_string(file_bytes / 512) + "; exec \"$0\" \"$@\"";
    words.insert(words.begin(), {"/bin/sh", "-c", limited});
  }
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::vector<char*> environment;
  for (char** variable = environ; *variable != nullptr; ++variable)
    if (!std::string_view(*variable).starts_with("LOGCASK_") ||
        std::string_view(*variable).starts_with("LOGCASK_MUTANT"))
      environment.push_back(*variable);
  environment.push_back(nullptr);
  char name[] = "/tmp/logcask-program-XXXXXX";
  const int output = ::mkstemp(name);
  REQUIRE(output >= 0);
  output_ = name;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
  REQUIRE(::posix_spawn(&pid_, arguments[0], &actions, nullptr, arguments.data(), environment.data()) == 0);
  posix_spawn_file_actions_destroy(&actions);
  ::close(output);
}

LogcaskProgram::~LogcaskProgram() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  ::unlink(output_.c_str());
}

ProgramEnd LogcaskProgram::wait() {
  int status = 0;
  REQUIRE(::waitpid(std::exchange(pid_, -1), &status, 0) > 0);
  ProgramEnd end;
  end.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  std::ifstream said(output_);
  end.said.assign(std::istreambuf_iterator<char>(said), {});
  return end;
}

ProgramEnd LogcaskProgram::kill_after(std::chrono::microseconds time) {
  std::this_thread::sleep_for(time);
  ::kill(pid_, SIGKILL);
  return wait();
}

}  // namespace logcask::testing
