// A listener serves whatever its factory makes. The protocol here is the tests' own: lines. The first one must be "hi";
// "later" is answered in a later turn of the loop, any other line at once, with the listener's name before it.
#include "broker/net/listener.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <optional>
#include <string>
#include <utility>

#include "tests/support/catch.h"

namespace logcask::testing {
namespace {

constexpr int kLinePatienceMs = 10'000;

class LineProtocol final : public Protocol, public std::enable_shared_from_this<LineProtocol> {
 public:
  LineProtocol(std::string name, EventLoop& loop, ProtocolHost& host)
      : name_(std::move(name)), loop_(loop), host_(&host) {}

  std::size_t consume(ByteView bytes) override {
    std::size_t used = 0;
    while (wants_input()) {
      const auto end = bytes.find('\n', used);
      if (end == ByteView::npos) break;
      execute(std::string(bytes.substr(used, end - used)));
      used = end + 1;
    }
    return used;
  }
  std::size_t needed_bytes() const override { return 1; }
  bool wants_input() const override { return !finished_ && host_; }
  bool finished() const override { return finished_; }
  bool quiet() const override { return true; }
  std::string_view awaited() const override { return greeted_ ? std::string_view() : "greeting"; }
  OutQueue& output() override { return output_; }
  void output_taken() override {}
  bool evicted() const override { return false; }
  void fail(const Error& error) override {
    say("sorry: " + error.message);
    finished_ = true;
  }
  void shut(const Error& reason) override { fail(reason); }
  void detach(const Error&) override { host_ = nullptr; }

 private:
  void execute(const std::string& line) {
    greeted_ = greeted_ || line == "hi";
    if (!greeted_) return fail({Errc::malformed_frame, "say hi first"});
    if (line != "later") return say(line);
    loop_.post([self = shared_from_this()] {
      if (!self->host_) return;
      self->say("now");
      self->host_->output_ready();
    });
  }
  void say(const std::string& line) {
    output_.small() += name_ + " " + line + "\n";
    output_.appended();
  }

  const std::string name_;
  EventLoop& loop_;
  ProtocolHost* host_;
  OutQueue output_;
  bool greeted_ = false;
  bool finished_ = false;
};

class LineFactory final : public ProtocolFactory {
 public:
  explicit LineFactory(std::string name) : name_(std::move(name)) {}
  std::shared_ptr<Protocol> make(std::size_t, EventLoop& loop, const std::string&, ProtocolHost& host) const override {
    return std::make_shared<LineProtocol>(name_, loop, host);
  }
  std::string farewell(const Error& reason) const override { return name_ + " " + reason.message + "\n"; }

 private:
  const std::string name_;
};

class LineClient {
 public:
  explicit LineClient(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  }
  ~LineClient() { ::close(socket_); }
  LineClient(const LineClient&) = delete;
  LineClient& operator=(const LineClient&) = delete;

  // The next line, without its end; nothing when the broker has closed.
  std::optional<std::string> line() {
    while (true) {
      if (const auto end = received_.find('\n'); end != std::string::npos) {
        std::string line = received_.substr(0, end);
        received_.erase(0, end + 1);
        return line;
      }
      pollfd ready{socket_, POLLIN, 0};
      REQUIRE(::poll(&ready, 1, kLinePatienceMs) > 0);
      char buffer[4096];
      const ssize_t n = ::recv(socket_, buffer, sizeof buffer, 0);
      if (n <= 0) return std::nullopt;
      received_.append(buffer, static_cast<std::size_t>(n));
    }
  }
  std::optional<std::string> ask(const std::string& line_out) {
    const std::string bytes = line_out + "\n";
    ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    return line();
  }

 private:
  const int socket_;
  std::string received_;
};

// Two listeners, "a" and "b", over the same two I/O threads.
class TwoListeners {
 public:
  explicit TwoListeners(Seats::Limits seat_limits = {}, ConnectionLimits limits = {})
      : seats_(seat_limits), parts_{limits, memory_, seats_, metrics_, turns_} {
    for (int i = 0; i < 2; ++i) {
      threads_.push_back(std::make_unique<IoThread>(system_clock(), "io-" + std::to_string(i)));
      threads_.back()->start();
    }
    for (Side* side : {&a, &b}) {
      side->listener.emplace(threads_, side->factory, parts_);
      const auto address = side->listener->listen({"127.0.0.1", 0});
      REQUIRE_OK(address);
      side->port = address->port;
      side->listener->start();
    }
  }
  ~TwoListeners() {
    for (Side* side : {&a, &b}) side->listener->stop({Errc::shutting_down, "over"}, 1000);
    for (auto& thread : threads_) thread->stop();
  }
  Metrics& metrics() { return metrics_; }

 private:
  struct Side {
    explicit Side(const std::string& name) : factory(name) {}
    LineFactory factory;
    std::optional<Listener> listener;
    std::uint16_t port = 0;
  };
  WireMemory memory_{8u << 20, 8u << 20};
  Metrics metrics_;
  Seats seats_;
  BlockingTurns turns_{system_clock(), 2};
  const NetParts parts_;
  Listener::Threads threads_;

 public:
  Side a{"a"}, b{"b"};
};

TEST_CASE("two listeners of different protocols share I/O threads", "[listener]") {
  TwoListeners both;
  std::vector<std::unique_ptr<LineClient>> clients;
  for (int i = 0; i < 6; ++i) {
    const bool first = i % 2 == 0;
    auto& client = *clients.emplace_back(std::make_unique<LineClient>(first ? both.a.port : both.b.port));
    CHECK(client.ask("hi") == (first ? "a hi" : "b hi"));
  }
  CHECK(clients[4]->ask("x") == "a x");
  CHECK(clients[5]->ask("y") == "b y");
  CHECK(both.metrics().connections_open.value() == 6);
}

TEST_CASE("an answer that is ready later leaves by itself", "[listener]") {
  TwoListeners both;
  LineClient client(both.a.port);
  CHECK(client.ask("hi") == "a hi");
  CHECK(client.ask("later") == "a now");
}

TEST_CASE("connections of all listeners together are bounded, and one that ends makes room", "[listener]") {
  TwoListeners both({2, 2});
  auto first = std::make_unique<LineClient>(both.a.port);
  CHECK(first->ask("hi") == "a hi");
  LineClient second(both.b.port);
  CHECK(second.ask("hi") == "b hi");
  for (const std::uint16_t port : {both.a.port, both.b.port}) {
    LineClient third(port);
    // It is told why, in the words of the protocol.
    const auto farewell = third.line();
    REQUIRE(farewell.has_value());
    CHECK_THAT(*farewell, Catch::Contains("connections.max)"));
    CHECK_FALSE(third.line().has_value());
  }
  first.reset();
  // The broker notices the end a moment later.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(kLinePatienceMs);
  bool served = false;
  while (!served && std::chrono::steady_clock::now() < deadline) {
    LineClient third(both.b.port);
    served = third.ask("hi") == "b hi";
  }
  CHECK(served);
}

TEST_CASE("a peer that keeps its listener waiting is told so in the words of the protocol", "[listener]") {
  ConnectionLimits limits;
  limits.hello_timeout_ms = 50;
  TwoListeners both({}, limits);
  LineClient silent(both.a.port);
  CHECK(silent.line() == "a sorry: no greeting within 50 ms");
  CHECK_FALSE(silent.line().has_value());
  LineClient rude(both.a.port);
  CHECK(rude.ask("give me records") == "a sorry: say hi first");
  CHECK_FALSE(rude.line().has_value());
}

TEST_CASE("a listener that stops says why and leaves the connections of others alone", "[listener]") {
  TwoListeners both;
  LineClient ends(both.a.port), stays(both.b.port);
  CHECK(ends.ask("hi") == "a hi");
  CHECK(stays.ask("hi") == "b hi");
  both.a.listener->stop({Errc::shutting_down, "closing time"}, 5000);
  CHECK(ends.line() == "a sorry: closing time");
  CHECK_FALSE(ends.line().has_value());
  CHECK(stays.ask("x") == "b x");
}

}  // namespace
}  // namespace logcask::testing
