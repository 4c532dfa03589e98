#include "cli/interrupt.h"

#include <csignal>
#include <ctime>

namespace logcask::cli {
namespace {

// Whoever asks twice within this has asked once: `timeout` and a terminal signal the process and then its group.
constexpr long kSameRequestMs = 300;

volatile std::sig_atomic_t interrupt_flag = 0;
timespec first_signal = {};  // written by the first signal alone

void on_signal(int signal_number) {
  timespec now = {};
  clock_gettime(CLOCK_MONOTONIC, &now);
  if (interrupt_flag == 0) {
    first_signal = now;
    interrupt_flag = 1;
    return;
  }
  const long waited_ms = (now.tv_sec - first_signal.tv_sec) * 1000 + (now.tv_nsec - first_signal.tv_nsec) / 1'000'000;
  if (waited_ms < kSameRequestMs) return;
  // The second request is deadly. The signal is blocked here and comes when this returns.
  std::signal(signal_number, SIG_DFL);
  raise(signal_number);
}

void handle(int signal_number) {
  struct sigaction action = {};
  // nohup says so. Of SIGINT a shell does, too, for what it runs in the background, where it is asked for by kill
  // alone.
  if (signal_number == SIGHUP && sigaction(signal_number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN)
    return;
  action = {};
  action.sa_handler = on_signal;
  for (const int other : {SIGINT, SIGTERM, SIGHUP}) sigaddset(&action.sa_mask, other);
  // No SA_RESTART: a blocked read of standard input shall end.
  sigaction(signal_number, &action, nullptr);
}

}  // namespace

void catch_interrupts() {
  handle(SIGINT);
  handle(SIGTERM);
  handle(SIGHUP);  // the terminal is gone
}

void ignore_broken_pipes() { std::signal(SIGPIPE, SIG_IGN); }

bool interrupted() { return interrupt_flag != 0; }

}  // namespace logcask::cli
