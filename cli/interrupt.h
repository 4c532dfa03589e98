#pragma once
// SIGINT and SIGTERM as a flag that loops look at; the second one ends the process at once.

namespace logcask::cli {

// Also ignores SIGPIPE, so that a closed pipe is an error of write().
void install_signal_handlers();
bool interrupted();

}  // namespace logcask::cli
