// Lookups over the native wire from one thread: each connection sends `depth` requests of `multi` keys in one write,
// waits for all answers, and goes on. Latency: from that write to each answer. Every answer must be found, and every
// value must begin with its key.
//   get_load --broker H:P --topic T --keys N --requests N --connections N --depth N --multi N
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/coding.h"
#include "bench/figures.h"
#include "bench/flags.h"
#include "bench/wire.h"
#include "bench/workload.h"
#include "logcask/v1/native.pb.h"
#include "proto/frame.h"
#include "proto/lookup_codec.h"

namespace logcask::bench {
namespace {

constexpr std::size_t kKeyFieldBytes = 4 + kKeyBytes;

struct Load {
  std::string broker, topic;
  std::uint64_t keys, requests, connections, depth, multi;
};

struct Totals {
  LatencyHistogram latency;
  std::uint64_t asked = 0;
  std::uint64_t answered = 0;
  std::uint64_t bytes = 0;
};

// The requests of one round lie back to back; correlation ids 1 to depth are one byte long, so only keys change.
class Connection {
 public:
  Connection(const Load& load, std::uint64_t seed) : load_(load), fd_(connect_tcp(load.broker)), random_(seed) {
    if (!say_hello(fd_)) die("the broker closed the connection");
    set_nonblocking(fd_);
    for (std::uint64_t i = 0; i < load.depth; ++i) {
      out_ += make_get_frame(load.topic, i + 1, static_cast<std::uint32_t>(load.multi));
      ends_.push_back(out_.size());
    }
    in_.resize(256u << 10);
  }
  int fd() const { return fd_; }

  void start_round(Totals& totals) {
    open_ = std::min(load_.depth, load_.requests - totals.asked);
    if (open_ == 0) return;
    totals.asked += open_;
    for (std::uint64_t i = 0; i < open_; ++i)
      for (std::uint64_t k = 0; k < load_.multi; ++k) write_key(key_at(i, k), random_.below(load_.keys));
    sent_ns_ = now_ns();
    write_all(fd_, ByteView(out_).substr(0, ends_[open_ - 1]));
  }

  void readable(Totals& totals) {
    const ssize_t got = recv(fd_, in_.data() + filled_, in_.size() - filled_, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0) die("the broker closed the connection");
    filled_ += static_cast<std::size_t>(got);
    std::size_t at = 0;
    while (filled_ - at >= kFramePrefixBytes) {
      const std::size_t frame_bytes = 4 + std::size_t{load_be<std::uint32_t>(in_.data() + at)};
      if (frame_bytes > in_.size()) in_.resize(frame_bytes);
      if (filled_ - at < frame_bytes) break;
      take_answer(ByteView(in_).substr(at, frame_bytes), totals);
      at += frame_bytes;
    }
    std::memmove(in_.data(), in_.data() + at, filled_ - at);
    filled_ -= at;
    if (open_ == 0) start_round(totals);
  }

 private:
  char* key_at(std::uint64_t request, std::uint64_t key) {
    return out_.data() + ends_[request] - (load_.multi - key) * kKeyFieldBytes + 4;
  }

  void take_answer(ByteView frame, Totals& totals) {
    const std::size_t header_bytes = load_be<std::uint32_t>(frame.data() + 4);
    const ByteView header = frame.substr(kFramePrefixBytes, header_bytes);
    if (!answer_.ParseFromArray(header.data(), static_cast<int>(header.size()))) die("an answer does not parse");
    if (answer_.error_code() != 0) die("get failed: " + answer_.error_message());
    if (answer_.correlation_id() - 1 >= load_.depth) die("an answer to nothing");
    ByteView results = frame.substr(kFramePrefixBytes + header_bytes);
    for (std::uint64_t k = 0; k < load_.multi; ++k)
      take_result(key_at(answer_.correlation_id() - 1, k), results, totals);
    totals.latency.add(now_ns() - sent_ns_);
    ++totals.answered;
    --open_;
  }

  // proto/lookup_codec.h has the layout; decoding it there would allocate.
  void take_result(const char* key, ByteView& results, Totals& totals) const {
    if (results.size() < kLookupResultFixedBytes) die("an answer is short");
    const auto status = static_cast<LookupStatus>(results[0]);
    const auto value_bytes = load_be<std::int32_t>(results.data() + 28);
    if (status != LookupStatus::found || value_bytes < static_cast<std::int32_t>(kKeyBytes))
      die("key " + std::string(key, kKeyBytes) + " was not found");
    const auto size = static_cast<std::size_t>(value_bytes);
    if (results.size() < kLookupResultFixedBytes + size ||
        std::memcmp(results.data() + kLookupResultFixedBytes, key, kKeyBytes) != 0)
      die("key " + std::string(key, kKeyBytes) + " was answered with another key's value");
    totals.bytes += size;
    results.remove_prefix(kLookupResultFixedBytes + size + load_be<std::uint32_t>(results.data() + 36));
  }

  const Load& load_;
  int fd_;
  Random random_;
  v1::ResponseHeader answer_;
  std::string out_;
  std::vector<std::size_t> ends_;
  std::string in_;
  std::size_t filled_ = 0;
  std::uint64_t open_ = 0;
  std::uint64_t sent_ns_ = 0;
};

void run(int argc, char** argv) {
  Flags flags(argc, argv);
  Load load{};
  load.broker = flags.text("broker", "127.0.0.1:7440");
  load.topic = flags.text("topic", "bench");
  load.keys = flags.number("keys", 100'000);
  load.requests = flags.number("requests", 100'000);
  load.connections = flags.number("connections", 50);
  load.depth = flags.number("depth", 1);
  load.multi = flags.number("multi", 1);
  flags.done();
  if (load.depth < 1 || load.depth > 127 || load.multi < 1) die("--depth is 1 to 127, --multi at least 1");
  const int poller = epoll_create1(EPOLL_CLOEXEC);
  std::vector<Connection> connections;
  connections.reserve(load.connections);
  for (std::uint64_t i = 0; i < load.connections; ++i) {
    connections.emplace_back(load, i + 1);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.u64 = i;
    if (epoll_ctl(poller, EPOLL_CTL_ADD, connections.back().fd(), &event) != 0) die_errno("epoll_ctl");
  }
  Totals totals;
  const Measurement measurement;
  for (Connection& connection : connections) connection.start_round(totals);
  std::array<epoll_event, 64> events{};
  while (totals.answered < load.requests) {
    const int ready = epoll_wait(poller, events.data(), static_cast<int>(events.size()), 30'000);
    if (ready == 0) die("no answer for 30 s");
    for (int i = 0; i < ready; ++i) connections[events[static_cast<std::size_t>(i)].data.u64].readable(totals);
  }
  measurement.stop(totals.answered * load.multi, totals.bytes);
  print_latency(totals.latency);
}

}  // namespace
}  // namespace logcask::bench

int main(int argc, char** argv) { logcask::bench::run(argc, argv); }
