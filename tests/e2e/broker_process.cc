#include "tests/e2e/broker_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <string_view>
#include <thread>
#include <utility>

#include "tests/support/catch.h"

extern char** environ;

namespace logcask::testing {
namespace {

constexpr int kStartPatienceMs = 60'000;

// What is set for the tests (LOGCASK_TEST_SEED) is no setting of the broker, which would refuse to start.
std::vector<char*> environment() {
  std::vector<char*> passed;
  for (char** variable = environ; *variable != nullptr; ++variable)
    if (!std::string_view(*variable).starts_with("LOGCASK_")) passed.push_back(*variable);
  passed.push_back(nullptr);
  return passed;
}

pid_t spawn(const std::string& data_directory, const std::vector<std::string>& settings, int standard_output,
            int open_files = 0) {
  std::vector<std::string> words = {LOGCASK_BINARY, "serve",       "--data", data_directory,
                                    "--listen",     "127.0.0.1:0", "--set",  "log.level=error"};
  if (open_files > 0) {
    const std::string limited = "ulimit -n " + std::to_string(open_files) + "; exec \"$0\" \"$@\"";
    words.insert(words.begin(), {"/bin/sh", "-c", limited});
  }
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
  REQUIRE(::posix_spawn(&pid, arguments[0], &actions, nullptr, arguments.data(), environment().data()) == 0);
  posix_spawn_file_actions_destroy(&actions);
  return pid;
}

constexpr int kKilled = 128 + SIGKILL;

// As a shell says it: the exit code, or 128 and the signal. One that had ended before it was killed ends as it did.
int ending_of(pid_t pid) {
  int status = 0;
  REQUIRE(::waitpid(pid, &status, 0) == pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

void BrokerProcess::start_and_kill(const std::string& data_directory, std::chrono::microseconds after) {
  const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  REQUIRE(nowhere >= 0);
  const pid_t pid = spawn(data_directory, {}, nowhere);
  ::close(nowhere);
  std::this_thread::sleep_for(after);
  ::kill(pid, SIGKILL);
  REQUIRE(ending_of(pid) == kKilled);
}

BrokerProcess::BrokerProcess(const std::string& data_directory, const std::vector<std::string>& settings,
                             int open_files) {
  int pipe_ends[2];
  REQUIRE(::pipe2(pipe_ends, O_CLOEXEC) == 0);
  pid_ = spawn(data_directory, settings, pipe_ends[1], open_files);
  ::close(pipe_ends[1]);
  output_ = pipe_ends[0];

  std::string said;
  while (said.find("listening native ") == std::string::npos || said.back() != '\n') {
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
  REQUIRE(said.find("listening native 127.0.0.1:") != std::string::npos);
  std::from_chars(said.data() + colon + 1, said.data() + said.size(), port_);
  REQUIRE(port_ != 0);
}

BrokerProcess::~BrokerProcess() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    CHECK(wait() == kKilled);
  }
  ::close(output_);
}

int BrokerProcess::wait() { return ending_of(std::exchange(pid_, -1)); }

void BrokerProcess::kill() {
  ::kill(pid_, SIGKILL);
  REQUIRE(wait() == kKilled);
}

int BrokerProcess::stop() {
  ::kill(pid_, SIGTERM);
  return wait();
}

}  // namespace logcask::testing
