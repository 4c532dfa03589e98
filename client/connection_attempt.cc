// Making a connection: resolve, connect, Hello, and the pause before the next attempt.

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>

#include "client/connection.h"
#include "client/version.h"

namespace logcask::client {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::uint64_t kHelloId = 1;  // request ids begin above

void set_int(int fd, int level, int option, int value) { ::setsockopt(fd, level, option, &value, sizeof value); }

// A peer that vanished without a word (power loss, cut cable) is noticed within about half a minute.
void tune(tcp::socket& socket) {
  const int fd = socket.native_handle();
  set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_int(fd, IPPROTO_TCP, TCP_KEEPIDLE, 15);
  set_int(fd, IPPROTO_TCP, TCP_KEEPINTVL, 5);
  set_int(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
  set_int(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, 30000);
}

}  // namespace

void Connection::start() {
  addresses_tried_ = 0;
  attempt();
}

// One address at a time; `attempt_number_` tells late completions of an earlier attempt apart.
void Connection::attempt() {
  {
    const std::lock_guard lock(mutex_);
    if (state_ == State::closed) return;
    state_ = State::connecting;
    socket_ = std::make_shared<Socket>(io_);
  }
  const std::uint64_t number = ++attempt_number_;
  attempt_timer_.expires_after(std::chrono::milliseconds(options_.connect_timeout_ms));
  attempt_timer_.async_wait([self = shared_from_this(), number](const error_code& error) {
    if (error || number != self->attempt_number_) return;
    self->attempt_failed(
        {Errc::connect_failed, "no answer within " + std::to_string(self->options_.connect_timeout_ms) + " ms"});
  });
  attempt_address();
}

void Connection::attempt_address() {
  const Address& address = addresses_[address_index_];
  error_code not_numeric;
  const auto ip = asio::ip::make_address(address.host, not_numeric);
  if (!not_numeric) {
    const tcp::endpoint endpoint(ip, static_cast<std::uint16_t>(std::stoi(address.port)));
    return connect_to(tcp::resolver::results_type::create(endpoint, address.host, address.port));
  }
  resolver_.async_resolve(address.host, address.port,
                          [self = shared_from_this(), number = attempt_number_](
                              const error_code& error, const tcp::resolver::results_type& endpoints) {
                            if (number != self->attempt_number_) return;
                            if (error) return self->attempt_failed({Errc::connect_failed, error.message()});
                            self->connect_to(endpoints);
                          });
}

void Connection::connect_to(const tcp::resolver::results_type& endpoints) {
  asio::async_connect(socket_->tcp, endpoints,
                      [self = shared_from_this(), socket = socket_, number = attempt_number_](const error_code& error,
                                                                                              const tcp::endpoint&) {
                        if (number != self->attempt_number_) return;
                        if (error) return self->attempt_failed({Errc::connect_failed, error.message()});
                        tune(socket->tcp);
                        error_code ignored;
                        socket->tcp.native_non_blocking(true, ignored);
                        socket->fd = socket->tcp.native_handle();
                        self->say_hello();
                      });
}

void Connection::say_hello() {
  v1::RequestHeader header;
  header.set_correlation_id(kHelloId);
  auto* hello = header.mutable_hello();
  hello->set_client_name(options_.client_name);
  hello->set_client_version(kClientVersion);
  hello->set_min_protocol_version(kProtocolVersionMin);
  hello->set_max_protocol_version(kProtocolVersionMax);
  hello_bytes_.clear();
  append_frame_head(hello_bytes_, header, 0);
  assembler_ = FrameAssembler(FrameLimits{options_.max_response_bytes});
  asio::async_write(
      socket_->tcp, asio::buffer(hello_bytes_),
      [self = shared_from_this(), socket = socket_, number = attempt_number_](const error_code& error, std::size_t) {
        if (number != self->attempt_number_) return;
        if (error) return self->attempt_failed({Errc::connect_failed, error.message()});
        self->read_hello(socket);
      });
}

void Connection::read_hello(const SocketPtr& socket) {
  const auto space = assembler_.space();
  socket->tcp.async_read_some(
      asio::buffer(space.data(), space.size()),
      [self = shared_from_this(), socket, number = attempt_number_](const error_code& error, std::size_t bytes) {
        if (number != self->attempt_number_) return;
        if (error) return self->attempt_failed({Errc::connect_failed, "closed before Hello: " + error.message()});
        self->heard(bytes);
        self->assembler_.filled(bytes);
        auto frame = self->assembler_.next();
        if (!frame.ok()) return self->attempt_failed(frame.error());
        if (!frame.value()) return self->read_hello(socket);
        const Status status = self->take_hello(**frame);
        if (!status.ok()) return self->attempt_failed(status.error());
        self->became_ready();
      });
}

Status Connection::take_hello(const AssembledFrame& frame) {
  v1::ResponseHeader header;
  if (!header.ParseFromArray(frame.header.data(), static_cast<int>(frame.header.size())))
    return Error{Errc::malformed_frame, "the answer to Hello is unreadable; is this a Logcask broker?"};
  if (header.error_code() != 0) return Error{errc_from_wire(header.error_code()), header.error_message()};
  if (header.correlation_id() != kHelloId || !header.has_hello())
    return Error{Errc::malformed_frame, "the first answer is not Hello's; is this a Logcask broker?"};
  const auto& hello = header.hello();
  if (hello.protocol_version() < kProtocolVersionMin || hello.protocol_version() > kProtocolVersionMax)
    return Error{Errc::unsupported_version,
                 "the broker chose protocol version " + std::to_string(hello.protocol_version())};
  const std::lock_guard lock(mutex_);
  broker_ = {hello.protocol_version(), hello.features(), hello.broker_version(), hello.cluster_id(),
             hello.max_frame_bytes()};
  return {};
}

void Connection::became_ready() {
  ++attempt_number_;
  attempt_timer_.cancel();
  backoff_.succeeded();
  addresses_tried_ = 0;
  std::unique_lock lock(mutex_);
  if (state_ == State::closed) return;
  state_ = State::ready;
  ++connections_made_;
  const SocketPtr socket = socket_;
  const std::string version = broker_.broker_version;
  if (!queue_.empty()) pump(lock, socket);
  lock.unlock();
  attempt_was_logged_ = false;
  log(LogLevel::info, addresses_[address_index_].text() + ": connected, broker " + version);
  if (auto first = std::move(first_attempt_)) {
    first_attempt_ = nullptr;
    first(Status());
  }
  const Status status = dispatch_frames();
  if (!status.ok()) return lost(socket, status.error());
  if (socket == socket_) read_more(socket);
}

void Connection::attempt_failed(const Error& error) {
  ++attempt_number_;
  attempt_timer_.cancel();
  Error named = error;
  named.message = addresses_[address_index_].text() + ": " + error.message;
  {
    const std::lock_guard lock(mutex_);
    if (state_ == State::closed) return;
    state_ = State::pausing;
    last_error_ = named;
    if (socket_) {
      error_code ignored;
      socket_->tcp.close(ignored);  // nobody else writes to it before it is ready
      socket_ = nullptr;
    }
  }
  log(std::exchange(attempt_was_logged_, true) ? LogLevel::debug : LogLevel::warning,
      "no connection to " + named.message);
  address_index_ = (address_index_ + 1) % addresses_.size();
  if (++addresses_tried_ < addresses_.size()) return asio::post(io_, [self = shared_from_this()] { self->attempt(); });
  addresses_tried_ = 0;
  if (auto first = std::move(first_attempt_)) {
    first_attempt_ = nullptr;
    if (close_on_failure_) close(named);
    return first(named);
  }
  pause();
}

void Connection::pause() {
  const std::uint64_t number = ++attempt_number_;
  attempt_timer_.expires_after(std::chrono::milliseconds(backoff_.next_pause_ms()));
  attempt_timer_.async_wait([self = shared_from_this(), number](const error_code& error) {
    if (!error && number == self->attempt_number_) self->start();
  });
}

}  // namespace logcask::client
