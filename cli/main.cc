#include <fcntl.h>

#include "cli/interrupt.h"
#include "cli/run.h"
#include "cli/verbs.h"

namespace {

// A caller may have closed some of 0, 1 and 2. The next file opened would take that number: a broker would then write
// its log into a file of its data directory.
void fill_standard_descriptors() {
  for (int descriptor = 0; descriptor <= 2; ++descriptor)
    if (::fcntl(descriptor, F_GETFD) < 0) (void)::open("/dev/null", O_RDWR);  // the lowest free number is this one
}

}  // namespace

int main(int argc, char** argv) {
  fill_standard_descriptors();
  logcask::cli::ignore_broken_pipes();
  return logcask::cli::run_program(logcask::cli::all_verbs(), std::vector<std::string>(argv + 1, argv + argc));
}
