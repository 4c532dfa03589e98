#include "tests/e2e/broker_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <thread>

#include "tests/support/catch.h"

extern char** environ;

namespace logcask::testing {
namespace {

constexpr int kStartPatienceMs = 60'000;

pid_t spawn(const std::string& data_directory, const std::vector<std::string>& settings, int standard_output) {
  std::vector<std::string> words = {LOGCASK_BINARY, "serve",       "--data", data_directory,
                                    "--listen",     "127.0.0.1:0", "--set",  "log.level=error"};
  for (const std::string& setting : settings) {
    words.push_back("--set");
    words.push_back(setting);
  }
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, standard_output, STDOUT_FILENO);
  pid_t pid = -1;
  REQUIRE(::posix_spawn(&pid, LOGCASK_BINARY, &actions, nullptr, arguments.data(), environ) == 0);
  posix_spawn_file_actions_destroy(&actions);
  return pid;
}

}  // namespace

void BrokerProcess::start_and_kill(const std::string& data_directory, std::chrono::microseconds after) {
  const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  REQUIRE(nowhere >= 0);
  const pid_t pid = spawn(data_directory, {}, nowhere);
  ::close(nowhere);
  std::this_thread::sleep_for(after);
  ::kill(pid, SIGKILL);
  REQUIRE(::waitpid(pid, nullptr, 0) == pid);
}

BrokerProcess::BrokerProcess(const std::string& data_directory, const std::vector<std::string>& settings) {
  int pipe_ends[2];
  REQUIRE(::pipe2(pipe_ends, O_CLOEXEC) == 0);
  pid_ = spawn(data_directory, settings, pipe_ends[1]);
  ::close(pipe_ends[1]);
  output_ = pipe_ends[0];

  std::string said;
  while (said.find('\n') == std::string::npos) {
    pollfd ready{output_, POLLIN, 0};
    REQUIRE(::poll(&ready, 1, kStartPatienceMs) > 0);
    char buffer[256];
    const ssize_t n = ::read(output_, buffer, sizeof buffer);
    INFO("the broker said: " << said);
    REQUIRE(n > 0);
    said.append(buffer, static_cast<std::size_t>(n));
  }
  INFO("the broker said: " << said);
  const std::size_t colon = said.rfind(':');
  REQUIRE(said.starts_with("listening native 127.0.0.1:"));
  std::from_chars(said.data() + colon + 1, said.data() + said.size(), port_);
  REQUIRE(port_ != 0);
}

BrokerProcess::~BrokerProcess() {
  if (pid_ > 0) kill();
  ::close(output_);
}

int BrokerProcess::wait() {
  int status = 0;
  REQUIRE(::waitpid(pid_, &status, 0) == pid_);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void BrokerProcess::kill() {
  ::kill(pid_, SIGKILL);
  wait();
}

int BrokerProcess::stop() {
  ::kill(pid_, SIGTERM);
  return wait();
}

}  // namespace logcask::testing
