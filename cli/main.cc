#include "cli/interrupt.h"
#include "cli/run.h"
#include "cli/verbs.h"

int main(int argc, char** argv) {
  logcask::cli::install_signal_handlers();
  return logcask::cli::run_program(logcask::cli::all_verbs(), std::vector<std::string>(argv + 1, argv + argc));
}
