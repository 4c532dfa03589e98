#pragma once
// SIGINT, SIGTERM and SIGHUP as a flag that loops look at; a second one, later than 0.3 s, ends the process at once.

namespace logcask::cli {

void catch_interrupts();
// A closed pipe becomes an error of write().
void ignore_broken_pipes();
bool interrupted();

}  // namespace logcask::cli
