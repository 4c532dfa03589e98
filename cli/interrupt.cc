#include "cli/interrupt.h"

#include <csignal>

namespace logcask::cli {
namespace {

volatile std::sig_atomic_t interrupt_flag = 0;

void on_signal(int) { interrupt_flag = 1; }

void handle(int signal_number) {
  struct sigaction action = {};
  action.sa_handler = on_signal;
  // No SA_RESTART: a blocked read of standard input shall end. SA_RESETHAND: the second signal is deadly.
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  sigaction(signal_number, &action, nullptr);
}

}  // namespace

void catch_interrupts() {
  handle(SIGINT);
  handle(SIGTERM);
}

void ignore_broken_pipes() { std::signal(SIGPIPE, SIG_IGN); }

bool interrupted() { return interrupt_flag != 0; }

}  // namespace logcask::cli
