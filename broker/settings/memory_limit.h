#pragma once
// What the machine lets this process have: memory, cores, open files.

#include <cstdint>
#include <string>

namespace logcask {

// The least of the machine's memory and the limits of the control group and those above it (control_group.h).
std::uint64_t memory_limit_bytes();
// Cores that this process may run on, or as many as its control group's quota is worth.
std::uint32_t core_count();
// Raises the soft limit on open files to the hard one; returns the limit now in force.
std::uint64_t raise_open_files_limit();
// Resident memory of this process, 0 when the system does not say.
std::uint64_t resident_bytes();
std::uint64_t open_files_now();
// Changes with every start of the machine; empty when the system does not say.
std::string machine_boot_id();

}  // namespace logcask
