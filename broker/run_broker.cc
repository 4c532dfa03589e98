// run_broker(): signals, the ready line, the deadline of the stop.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <future>
#include <thread>

#include "broker/broker.h"
#include "broker/log.h"

namespace logcask {
namespace {

bool hang_up_is_ignored() {
  struct sigaction action {};
  return sigaction(SIGHUP, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

// Whether SIGHUP can mean that a terminal closes.
bool has_terminal() {
  const int terminal = open("/dev/tty", O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (terminal >= 0) close(terminal);
  return terminal >= 0;
}

sigset_t stop_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  if (!hang_up_is_ignored()) sigaddset(&signals, SIGHUP);
  return signals;
}

const char* name_of(int signal_number) {
  return signal_number == SIGTERM ? "SIGTERM" : signal_number == SIGINT ? "SIGINT" : "SIGHUP";
}

void reload(Broker& broker, const std::function<Result<BrokerConfig>()>& read_settings) {
  const auto fresh = read_settings();
  if (!fresh.ok()) return log_error("settings read again are refused, nothing changes: " + fresh.error().message);
  broker.reload(*fresh);
}

// Calls `hung_up` for each SIGHUP that is not a closing terminal's.
int wait_for_stop_signal(const sigset_t& signals, const std::function<void()>& hung_up) {
  const bool stops_at_hang_up = has_terminal();
  while (true) {
    int signal_number = 0;
    if (sigwait(&signals, &signal_number) != 0) continue;
    if (signal_number != SIGHUP || stops_at_hang_up) return signal_number;
    hung_up();
  }
}

// A second signal while stopping means: now.
bool wait_for_stop(std::future<bool>& stopped, const sigset_t& signals, std::int64_t timeout_ms) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
  while (stopped.wait_for(std::chrono::milliseconds(20)) != std::future_status::ready) {
    const timespec now{0, 0};
    if (sigtimedwait(&signals, nullptr, &now) > 0) {
      log_error("told to stop again: ending without a clean stop");
      return false;
    }
    if (std::chrono::steady_clock::now() < end) continue;
    log_error(
        "the clean stop took longer than shutdown.timeout.ms; ending without it. Acknowledged records are safe, "
        "the next start recovers");
    return false;
  }
  return true;
}

}  // namespace

int run_broker(const BrokerConfig& config, const std::string& version,
               const std::function<Result<BrokerConfig>()>& read_settings) {
  set_log_level(config.log_level);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);  // a write beyond RLIMIT_FSIZE fails like one on a full disk
  const sigset_t signals = stop_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  auto started = Broker::start(config, version);
  if (!started.ok()) {
    log_error("cannot start: " + started.error().message);
    return 1;
  }
  std::unique_ptr<Broker> broker = std::move(started).value();
  if (const auto http = broker->http_address()) std::printf("listening http %s\n", http->to_string().c_str());
  if (const auto kafka = broker->kafka_address()) std::printf("listening kafka %s\n", kafka->to_string().c_str());
  std::printf("listening native %s\n", broker->native_address().to_string().c_str());
  std::fflush(stdout);
  const int signal_number = wait_for_stop_signal(signals, [&] { reload(*broker, read_settings); });
  log_info(std::string("stopping on ") + name_of(signal_number));
  std::promise<bool> promise;
  std::future<bool> stopped = promise.get_future();
  std::thread stopper([&] { promise.set_value(broker->stop()); });
  if (!wait_for_stop(stopped, signals, config.shutdown_timeout_ms)) {
    flush_log();
    _exit(1);
  }
  stopper.join();
  const bool clean = stopped.get();
  broker.reset();
  return clean ? 0 : 1;
}

}  // namespace logcask
