// What the loopback network alone costs, for the least a broker could do over it. The server is a child process; its
// CPU seconds are printed as server_cpu_s.
//   floor_net --mode stream --total-mb N                                       1 MiB writes into a process that drops
//   them floor_net --mode echo --connections N --depth N --bytes N --requests N     an epoll server that answers each
//   request
//       with one of the same size; the load is that of get_load: `depth` requests in one write, then all answers
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <vector>

#include "bench/figures.h"
#include "bench/flags.h"
#include "bench/wire.h"

namespace logcask::bench {
namespace {

constexpr std::size_t kChunk = 1u << 20;

// Bound to a port of the system's choice; `address` becomes its host:port.
int listen_tcp(std::string& address) {
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  if (bind(fd, reinterpret_cast<sockaddr*>(&at), size) != 0 || listen(fd, 1000) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&at), &size) != 0)
    die_errno("listen");
  address = "127.0.0.1:" + std::to_string(ntohs(at.sin_port));
  return fd;
}

void watch(int poller, int fd) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.fd = fd;
  if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) != 0) die_errno("epoll_ctl");
}

// Answers what it reads with as many bytes, until the first connection ends. `answer` false: drops it.
void serve(int listener, bool answer) {
  const int poller = epoll_create1(0);
  watch(poller, listener);
  std::vector<char> bytes(kChunk);
  std::array<epoll_event, 64> events{};
  for (;;) {
    const int ready = epoll_wait(poller, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < ready; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd == listener) {
        const int accepted = accept(listener, nullptr, nullptr);
        const int one = 1;
        setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        watch(poller, accepted);
        continue;
      }
      const ssize_t got = recv(fd, bytes.data(), bytes.size(), 0);
      if (got <= 0) return;
      if (answer) write_all(fd, ByteView(bytes.data(), static_cast<std::size_t>(got)));
    }
  }
}

void with_server(bool answer, const std::function<void(const std::string&)>& load) {
  std::string address;
  const int listener = listen_tcp(address);
  const pid_t child = fork();
  if (child == 0) {
    serve(listener, answer);
    _exit(0);
  }
  close(listener);
  load(address);
  rusage used{};
  if (wait4(child, nullptr, 0, &used) != child) die_errno("wait4");
  print_figure("server_cpu_s", static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                                   static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6);
}

void stream(const std::string& address, std::uint64_t megabytes) {
  const int fd = connect_tcp(address);
  const std::string bytes(kChunk, 'x');
  const Measurement measurement;
  const std::uint64_t writes = megabytes * 1'000'000 / kChunk;
  for (std::uint64_t i = 0; i < writes; ++i) write_all(fd, bytes);
  measurement.stop(writes, writes * kChunk);
  close(fd);
}

struct Echo {
  std::uint64_t connections, depth, bytes, requests;
};

void echo(const std::string& address, const Echo& load) {
  struct Connection {
    int fd;
    std::size_t missing;
    std::uint64_t sent_ns;
  };
  const int poller = epoll_create1(0);
  const std::size_t round = load.depth * load.bytes;
  const std::string out(round, 'x');
  std::vector<char> in(kChunk);
  std::vector<Connection> connections;
  for (std::uint64_t i = 0; i < load.connections; ++i) {
    connections.push_back({connect_tcp(address), 0, 0});
    watch(poller, connections.back().fd);
  }
  std::uint64_t asked = 0, answered = 0;
  LatencyHistogram latency;
  const auto start_round = [&](Connection& connection) {
    if (asked >= load.requests) return;
    asked += load.depth;
    connection.missing = round;
    connection.sent_ns = now_ns();
    write_all(connection.fd, out);
  };
  const Measurement measurement;
  for (auto& connection : connections) start_round(connection);
  std::array<epoll_event, 64> events{};
  while (answered < asked) {
    const int ready = epoll_wait(poller, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < ready; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      auto& connection = *std::find_if(connections.begin(), connections.end(), [fd](auto& c) { return c.fd == fd; });
      const ssize_t got = recv(fd, in.data(), in.size(), 0);
      if (got <= 0) die("the echo server went away");
      connection.missing -= static_cast<std::size_t>(got);
      if (connection.missing > 0) continue;
      answered += load.depth;
      latency.add(now_ns() - connection.sent_ns);
      start_round(connection);
    }
  }
  measurement.stop(answered, answered * load.bytes);
  print_latency(latency);
  for (auto& connection : connections) close(connection.fd);
}

}  // namespace
}  // namespace logcask::bench

int main(int argc, char** argv) {
  using namespace logcask::bench;
  Flags flags(argc, argv);
  const std::string mode = flags.text("mode", "stream");
  const std::uint64_t megabytes = flags.number("total-mb", 4000);
  const Echo load{flags.number("connections", 50), flags.number("depth", 1), flags.number("bytes", 128),
                  flags.number("requests", 200'000)};
  flags.done();
  if (mode == "stream")
    with_server(false, [&](const std::string& address) { stream(address, megabytes); });
  else if (mode == "echo")
    with_server(true, [&](const std::string& address) { echo(address, load); });
  else
    die("--mode is stream or echo");
}
