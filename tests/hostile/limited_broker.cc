#include "tests/hostile/limited_broker.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <fstream>
#include <sstream>

#include "tests/support/catch.h"

extern char** environ;

namespace logcask::testing {
namespace {

constexpr int kStartPatienceMs = 60'000;

// What 256 MiB of memory would give a broker by default, and short deadlines.
const std::vector<std::string>& small_machine() {
  static const std::vector<std::string> settings = {
      "log.level=warn",
      "io.threads=2",
      "keydir.total.max.bytes=64MiB",
      "requests.inflight.max.bytes=32MiB",
      "answers.waiting.max.bytes=32MiB",
      "lookup.cache.bytes=16MiB",
      "batch.decompressed.max.bytes=16MiB",
      "tail.buffer.bytes=8MiB",
      "hello.timeout.ms=1500",
      "frame.timeout.ms=1000",
      "write.timeout.ms=2000",
  };
  return settings;
}

void set_limit(int resource, rlim_t bytes) {
  const rlimit limit{bytes, bytes};
  ::setrlimit(static_cast<__rlimit_resource>(resource), &limit);
}

}  // namespace

std::string memory_check_skipped() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return "a sanitizer's own memory hides the broker's";
#else
  return "";
#endif
}

LimitedBroker::LimitedBroker(const std::vector<std::string>& settings, std::uint64_t open_files) {
  int pipe_ends[2];
  REQUIRE(::pipe2(pipe_ends, O_CLOEXEC) == 0);
  std::vector<std::string> words = {LOGCASK_BINARY, "serve",      "--data", directory_.path() + "/data",
                                    "--listen",     "127.0.0.1:0"};
  std::vector<std::string> all = settings;
  for (const std::string& setting : small_machine()) {
    const std::string name = setting.substr(0, setting.find('=') + 1);
    bool given = false;
    for (const std::string& own : settings) given = given || own.starts_with(name);
    if (!given) all.push_back(setting);
  }
  for (const std::string& setting : all) {
    words.push_back("--set");
    words.push_back(setting);
  }
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const std::string log_path = directory_.path() + "/log";
  const bool limited = memory_check_skipped().empty();
  pid_ = ::fork();
  REQUIRE(pid_ >= 0);
  if (pid_ == 0) {
    // Only calls that are safe after a fork of a process with threads.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test program that aborts leaves no broker behind
    if (limited) {
      set_limit(RLIMIT_STACK, 1u << 20);
      set_limit(RLIMIT_DATA, kMemoryBytes);
    }
    if (open_files > 0) set_limit(RLIMIT_NOFILE, open_files);
    ::dup2(pipe_ends[1], STDOUT_FILENO);
    const int log = ::open(log_path.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
    ::dup2(log, STDERR_FILENO);
    ::execve(LOGCASK_BINARY, arguments.data(), environ);
    ::_exit(127);
  }
  ::close(pipe_ends[1]);
  output_ = pipe_ends[0];
  std::string said;
  while (said.find("listening native ") == std::string::npos || said.back() != '\n') {
    pollfd ready{output_, POLLIN, 0};
    REQUIRE(::poll(&ready, 1, kStartPatienceMs) > 0);
    char buffer[256];
    const ssize_t n = ::read(output_, buffer, sizeof buffer);
    INFO("the broker's log: " << log());
    REQUIRE(n > 0);
    said.append(buffer, static_cast<std::size_t>(n));
  }
  const std::size_t line = said.find("listening native 127.0.0.1:");
  INFO("the broker said: " << said);
  REQUIRE(line != std::string::npos);
  const std::size_t colon = said.find(':', line);
  std::from_chars(said.data() + colon + 1, said.data() + said.size(), port_);
  REQUIRE(port_ != 0);
}

LimitedBroker::~LimitedBroker() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    int status = 0;
    ::waitpid(pid_, &status, 0);
  }
  ::close(output_);
}

std::uint64_t LimitedBroker::peak_rss_bytes() const {
  std::ifstream in("/proc/" + std::to_string(pid_) + "/status");
  std::string line;
  while (std::getline(in, line))
    if (line.starts_with("VmHWM:")) return std::stoull(line.substr(6)) << 10;
  return 0;
}

std::int64_t LimitedBroker::cpu_ms() const {
  std::ifstream in("/proc/" + std::to_string(pid_) + "/stat");
  std::string text((std::istreambuf_iterator<char>(in)), {});
  std::istringstream fields(text.substr(text.rfind(')') + 1));
  std::string word;
  for (int i = 0; i < 11; ++i) fields >> word;
  std::int64_t user = 0, system = 0;
  fields >> user >> system;
  return (user + system) * 1000 / sysconf(_SC_CLK_TCK);
}

std::uint64_t LimitedBroker::open_files() const {
  DIR* directory = ::opendir(("/proc/" + std::to_string(pid_) + "/fd").c_str());
  if (!directory) return 0;
  std::uint64_t count = 0;
  while (const dirent* entry = ::readdir(directory)) count += entry->d_name[0] != '.';
  ::closedir(directory);
  return count;
}

void LimitedBroker::limit_open_files(std::uint64_t soft) {
  rlimit limit{};
  REQUIRE(::prlimit(pid_, RLIMIT_NOFILE, nullptr, &limit) == 0);
  limit.rlim_cur = soft;
  REQUIRE(::prlimit(pid_, RLIMIT_NOFILE, &limit, nullptr) == 0);
}

bool LimitedBroker::alive() {
  int status = 0;
  if (pid_ <= 0 || ::waitpid(pid_, &status, WNOHANG) == 0) return pid_ > 0;
  pid_ = -1;
  return false;
}

std::string LimitedBroker::log() const {
  std::ifstream in(directory_.path() + "/log");
  return std::string((std::istreambuf_iterator<char>(in)), {});
}

int LimitedBroker::stop() {
  ::kill(pid_, SIGTERM);
  int status = 0;
  REQUIRE(::waitpid(pid_, &status, 0) == pid_);
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace logcask::testing
