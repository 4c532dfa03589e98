// The load on NATS JetStream, for comparison: NATS's text protocol over one socket and one thread, with as little
// client work as possible. A stream of file storage named "bench" is made afresh by produce and e2e.
//   nats_load --broker H:P --mode produce --records N --value-bytes N --window N   publish, N acks outstanding
//   nats_load --broker H:P --mode fetch   --records N                              a push consumer from the start
//   nats_load --broker H:P --mode e2e     --records N --value-bytes N --rate N     publish without ack beside a
//   consumer
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <deque>
#include <thread>

#include "bench/figures.h"
#include "bench/flags.h"
#include "bench/wire.h"
#include "bench/workload.h"

namespace logcask::bench {
namespace {

constexpr std::string_view kStream =
    R"({"name":"bench","subjects":["bench"],"retention":"limits","storage":"file","max_consumers":-1,"max_msgs":-1,)"
    R"("max_bytes":-1,"discard":"old","num_replicas":1})";
constexpr std::string_view kConsumer =
    R"({"stream_name":"bench","config":{"deliver_subject":"deliver","deliver_policy":"all","ack_policy":"none",)"
    R"("replay_policy":"instant"}})";

class Nats {
 public:
  explicit Nats(const std::string& address) : fd_(connect_tcp(address)), inbox_("_INBOX." + std::to_string(fd_)) {
    line();  // INFO
    out_ = R"(CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true,"name":"bench"})"
           "\r\nSUB " +
           inbox_ + " 1\r\n";
    flush();
  }

  void subscribe(std::string_view subject) { out_.append("SUB ").append(subject).append(" 2\r\n"); }
  void publish(std::string_view subject, bool with_reply, std::string_view body) {
    out_.append("PUB ").append(subject).append(1, ' ');
    if (with_reply) out_.append(inbox_).append(1, ' ');
    out_.append(std::to_string(body.size())).append("\r\n").append(body).append("\r\n");
    if (out_.size() > kWriteBytes) flush();
  }
  void flush() {
    write_all(fd_, out_);
    out_.clear();
  }
  // The body of the next message; valid until the next call.
  std::string_view message() {
    for (;;) {
      const std::string_view head = line();
      if (head == "PING") {
        out_ += "PONG\r\n";
        flush();
      } else if (head.starts_with("-ERR")) {
        die(head);
      } else if (head.starts_with("MSG") || head.starts_with("HMSG")) {
        const std::size_t bytes = std::stoul(std::string(head.substr(head.rfind(' ') + 1)));
        while (in_.size() - at_ < bytes + 2) receive();
        at_ += bytes + 2;
        return std::string_view(in_).substr(at_ - bytes - 2, bytes);
      }
    }
  }
  bool has_more() const { return in_.find('\n', at_) != std::string::npos; }
  void request(std::string_view subject, std::string_view body, bool may_fail) {
    publish(subject, true, body);
    flush();
    const std::string answer(message());
    if (!may_fail && answer.find("\"error\"") != std::string::npos) die(std::string(subject) + ": " + answer);
  }
  void make_stream() {
    request("$JS.API.STREAM.DELETE.bench", "", true);
    request("$JS.API.STREAM.CREATE.bench", kStream, false);
  }
  void make_consumer() {
    subscribe("deliver");
    request("$JS.API.CONSUMER.CREATE.bench", kConsumer, false);
  }

 private:
  static constexpr std::size_t kWriteBytes = 32u << 10;

  std::string_view line() {
    std::size_t end = 0;
    while ((end = in_.find("\r\n", at_)) == std::string::npos) receive();
    const std::string_view found = std::string_view(in_).substr(at_, end - at_);
    at_ = end + 2;
    return found;
  }
  void receive() {
    if (at_ > (1u << 20)) {
      in_.erase(0, at_);
      at_ = 0;
    }
    char bytes[64u << 10];
    const ssize_t got = recv(fd_, bytes, sizeof bytes, 0);
    if (got <= 0) die("the server closed the connection");
    in_.append(bytes, static_cast<std::size_t>(got));
  }

  int fd_;
  std::string inbox_;
  std::string in_, out_;
  std::size_t at_ = 0;
};

void produce(const std::string& broker, std::uint64_t records, std::size_t value_bytes, std::uint64_t window) {
  Nats nats(broker);
  nats.make_stream();
  Values values(value_bytes);
  LatencyHistogram latency;
  std::deque<std::uint64_t> sent;
  std::uint64_t issued = 0;
  const Measurement measurement;
  for (std::uint64_t done = 0; done < records;) {
    for (; issued < records && issued - done < window; ++issued) {
      sent.push_back(now_ns());
      nats.publish("bench", true, values.make(key_of(issued % 100'000), issued));
    }
    nats.flush();
    do {
      if (nats.message().find("\"error\"") != std::string_view::npos) die("a publish was refused");
      latency.add(now_ns() - sent.front());
      sent.pop_front();
      ++done;
    } while (done < issued && nats.has_more());
  }
  measurement.stop(records, records * value_bytes);
  print_latency(latency);
}

void fetch(const std::string& broker, std::uint64_t records) {
  Nats nats(broker);
  const Measurement measurement;
  nats.make_consumer();
  std::uint64_t bytes = 0;
  for (std::uint64_t i = 0; i < records; ++i) bytes += nats.message().size();
  measurement.stop(records, bytes);
}

void end_to_end(const std::string& broker, std::uint64_t records, std::size_t value_bytes, std::uint64_t rate) {
  Nats sender(broker);
  sender.make_stream();
  Nats receiver(broker);
  receiver.make_consumer();
  LatencyHistogram latency;
  const Measurement measurement;
  std::thread reader([&] {
    while (latency.count() < records) {
      const std::string_view body = receiver.message();
      std::uint64_t due = 0;
      std::memcpy(&due, body.data(), sizeof due);
      latency.add(now_ns() - due);
    }
  });
  std::string value(value_bytes, 'v');
  const std::uint64_t start = now_ns() + 10'000'000;
  for (std::uint64_t i = 0; i < records; ++i) {
    const std::uint64_t due = start + i * 1'000'000'000 / rate;
    if (due > now_ns()) sleep_until(due);
    std::memcpy(value.data(), &due, sizeof due);
    sender.publish("bench", false, value);
    sender.flush();
  }
  reader.join();
  measurement.stop(records, records * value_bytes);
  print_latency(latency);
}

}  // namespace
}  // namespace logcask::bench

int main(int argc, char** argv) {
  using namespace logcask::bench;
  Flags flags(argc, argv);
  const std::string broker = flags.text("broker", "127.0.0.1:4222");
  const std::string mode = flags.text("mode", "produce");
  const std::uint64_t records = flags.number("records", 300'000);
  const std::uint64_t value_bytes = flags.number("value-bytes", 1024);
  const std::uint64_t window = flags.number("window", 4096);
  const std::uint64_t rate = flags.number("rate", 20'000);
  flags.done();
  if (mode == "produce")
    produce(broker, records, value_bytes, window);
  else if (mode == "fetch")
    fetch(broker, records);
  else if (mode == "e2e")
    end_to_end(broker, records, value_bytes, rate);
  else
    die("--mode is produce, fetch or e2e");
}
