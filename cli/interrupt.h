#pragma once
// SIGINT and SIGTERM as a flag that loops look at; the second one ends the process at once.

namespace logcask::cli {

void catch_interrupts();
// A closed pipe becomes an error of write().
void ignore_broken_pipes();
bool interrupted();

}  // namespace logcask::cli
