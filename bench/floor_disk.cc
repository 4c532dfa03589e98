// What the disk alone costs: appends of one group at a time to one file, each followed by fdatasync, or by nothing.
// Latency: of one group.
//   floor_disk --file F --group-bytes N --total-mb N --sync 0|1
#include <fcntl.h>
#include <unistd.h>

#include <string>

#include "bench/figures.h"
#include "bench/flags.h"
#include "bench/workload.h"

int main(int argc, char** argv) {
  using namespace logcask::bench;
  Flags flags(argc, argv);
  const std::string path = flags.text("file", "floor_disk.scratch");
  const std::size_t group_bytes = flags.number("group-bytes", 256u << 10);
  const std::uint64_t total = flags.number("total-mb", 500) * 1'000'000;
  const bool sync = flags.number("sync", 1) != 0;
  flags.done();
  std::string bytes(group_bytes, '\0');
  Random random(3);
  for (char& c : bytes) c = static_cast<char>(random.next());
  const int fd = open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) die_errno(path);
  LatencyHistogram latency;
  const Measurement measurement;
  const std::uint64_t groups = total / group_bytes;
  for (std::uint64_t i = 0; i < groups; ++i) {
    const std::uint64_t started = now_ns();
    if (write(fd, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size())) die_errno("write " + path);
    if (sync && fdatasync(fd) != 0) die_errno("fdatasync " + path);
    latency.add(now_ns() - started);
  }
  measurement.stop(groups, groups * group_bytes);
  print_latency(latency);
  close(fd);
  unlink(path.c_str());
}
