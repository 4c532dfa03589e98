#include "client/connection.h"

#include <sys/socket.h>

#include <boost/asio/post.hpp>
#include <cerrno>

#include "base/random.h"
#include "client/steady_time.h"

namespace logcask::client {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

std::uint64_t random_seed() {
  std::uint64_t seed;
  secure_random_bytes(&seed, sizeof seed);
  return seed;
}

}  // namespace

Connection::Connection(asio::io_context& io, Options options, std::vector<Address> addresses, bool close_on_failure,
                       std::function<void(Status)> first_attempt)
    : io_(io),
      options_(std::move(options)),
      addresses_(std::move(addresses)),
      close_on_failure_(close_on_failure),
      first_attempt_(std::move(first_attempt)),
      resolver_(io),
      attempt_timer_(io),
      deadline_timer_(io),
      backoff_(options_.reconnect_backoff_ms, options_.reconnect_backoff_max_ms, random_seed()),
      assembler_(FrameLimits{options_.max_response_bytes}),
      lost_since_ns_(now_ns()) {}

bool Connection::ready() const {
  const std::lock_guard lock(mutex_);
  return state_ == State::ready;
}

Contact Connection::contact() const {
  const std::int64_t now = now_ns();
  const std::int64_t heard_ns = last_received_ns_.load(std::memory_order_relaxed);
  Contact contact;
  if (heard_ns != 0) contact.silent_ms = std::max<std::int64_t>(now - heard_ns, 0) / kNsPerMs;
  const std::lock_guard lock(mutex_);
  contact.connected = state_ == State::ready;
  if (contact.connected) return contact;
  contact.lost_for_ms = std::max<std::int64_t>(now - lost_since_ns_, 0) / kNsPerMs;
  contact.trouble = last_error_;
  return contact;
}

void Connection::add_to(Statistics& sum) const {
  sum.received_bytes += received_bytes_.load(std::memory_order_relaxed);
  sum.responses += responses_.load(std::memory_order_relaxed);
  sum.failed_requests += failed_requests_.load(std::memory_order_relaxed);
  const std::lock_guard lock(mutex_);
  sum.requests += requests_;
  sum.sent_bytes += sent_bytes_;
  sum.connections_made += connections_made_;
  sum.connections_lost += connections_lost_;
  sum.open_requests += table_.size();
}

void Connection::log(LogLevel level, const std::string& line) const {
  if (options_.on_log) options_.on_log(level, line);
}

void Connection::heard(std::size_t bytes) {
  last_received_ns_.store(now_ns(), std::memory_order_relaxed);
  received_bytes_.fetch_add(bytes, std::memory_order_relaxed);
}

BrokerInfo Connection::broker() const {
  const std::lock_guard lock(mutex_);
  return broker_;
}

void Connection::submit(std::uint64_t id, OpenRequest request) {
  const auto handler = request.handler;
  const std::int64_t deadline_ns = request.deadline_ns;
  std::unique_lock lock(mutex_);
  Error refusal{Errc::ok, {}};
  if (state_ == State::closed)
    refusal = last_error_;
  else if (table_.size() >= options_.max_pending_requests)
    refusal = {Errc::limit_exceeded, std::to_string(table_.size()) + " requests are open already"};
  else if (broker_.max_frame_bytes != 0 && request.message->total_bytes() > broker_.max_frame_bytes)
    refusal = {Errc::frame_too_large, "request of " + std::to_string(request.message->total_bytes()) +
                                          " bytes; the broker takes " + std::to_string(broker_.max_frame_bytes)};
  ++requests_;
  if (refusal.code != Errc::ok) {
    lock.unlock();
    failed_requests_.fetch_add(1, std::memory_order_relaxed);
    asio::post(io_, [handler, refusal] { (*handler)(refusal); });
    return;
  }
  queue_.push_back(request.message);
  table_.add(id, std::move(request));
  if (deadline_ns < armed_deadline_ns_) {
    armed_deadline_ns_ = deadline_ns;
    asio::post(io_, [self = shared_from_this(), deadline_ns] { self->arm_deadline(deadline_ns); });
  }
  if (const SocketPtr socket = socket_; state_ == State::ready && !socket->writing) pump(lock, socket);
}

void Connection::send_only(std::shared_ptr<const Outgoing> message, bool when_ready) {
  std::unique_lock lock(mutex_);
  if (state_ == State::closed || (state_ != State::ready && !when_ready)) {
    const Error error = last_error_;
    lock.unlock();
    if (message->written) asio::post(io_, [message, error] { message->written(error); });
    return;
  }
  queue_.push_back(std::move(message));
  if (const SocketPtr socket = socket_; state_ == State::ready && !socket->writing) pump(lock, socket);
}

bool Connection::forget(std::uint64_t id) {
  std::shared_ptr<ResponseHandler> handler;  // destroyed after the lock: it may own much
  const std::lock_guard lock(mutex_);
  handler = table_.remove(id);
  return handler != nullptr;
}

// ---- reading ------------------------------------------------------------------------------------------------------

void Connection::read_more(const SocketPtr& socket) {
  const auto space = assembler_.space();
  socket->tcp.async_read_some(asio::buffer(space.data(), space.size()),
                              [self = shared_from_this(), socket](const error_code& error, std::size_t bytes) {
                                if (error) return self->lost(socket, self->lost_error(error.message()));
                                self->heard(bytes);
                                self->assembler_.filled(bytes);
                                const Status status = self->dispatch_frames();
                                if (!status.ok()) return self->lost(socket, status.error());
                                if (socket->tcp.is_open() && socket == self->socket_) self->read_more(socket);
                              });
}

Status Connection::dispatch_frames() {
  while (true) {
    LOGCASK_ASSIGN(auto frame, assembler_.next());
    if (!frame) return {};
    LOGCASK_TRY(dispatch(std::move(*frame)));
  }
}

Status Connection::dispatch(AssembledFrame frame) {
  Response response;
  if (!response.header.ParseFromArray(frame.header.data(), static_cast<int>(frame.header.size())))
    return unreadable(response.header.correlation_id());
  response.attachment = std::move(frame.attachment);
  const std::int32_t code = response.header.error_code();
  std::shared_ptr<ResponseHandler> handler;
  {
    const std::lock_guard lock(mutex_);
    handler = table_.match(response.header.correlation_id(), response.header.end() || code != 0);
  }
  responses_.fetch_add(1, std::memory_order_relaxed);
  if (code != 0) failed_requests_.fetch_add(1, std::memory_order_relaxed);
  if (!handler) return {};
  if (code != 0)
    (*handler)(Error{errc_from_wire(code), response.header.error_message()});
  else
    (*handler)(std::move(response));
  return {};
}

// What stands before the fault has been read, whose answer it is among it. That call ends: the same answer would come
// again. The frame had an end, so the connection goes on; unless nobody waits for such a thing.
Status Connection::unreadable(std::uint64_t correlation_id) {
  const Error error{Errc::malformed_frame,
                    addresses_[address_index_].text() + ": the broker's answer has an unreadable header"};
  std::shared_ptr<ResponseHandler> handler;
  {
    const std::lock_guard lock(mutex_);
    handler = table_.match(correlation_id, true);
  }
  if (!handler) return error;
  responses_.fetch_add(1, std::memory_order_relaxed);
  fail({std::move(handler)}, error);
  return {};
}

// ---- ends ---------------------------------------------------------------------------------------------------------

Error Connection::lost_error(const std::string& reason) const {
  return {Errc::connection_lost, addresses_[address_index_].text() + ": " + reason};
}

void Connection::fail(const RequestTable::Handlers& handlers, const Error& error) {
  failed_requests_.fetch_add(handlers.size(), std::memory_order_relaxed);
  for (const auto& handler : handlers) (*handler)(error);
}

void Connection::lost(const SocketPtr& socket, const Error& error) {
  std::unique_lock lock(mutex_);
  if (socket != socket_ || state_ == State::closed) return;
  socket_ = nullptr;
  state_ = State::pausing;
  last_error_ = error;
  lost_since_ns_ = now_ns();
  ++connections_lost_;
  RequestTable::Lost lost_requests = table_.connection_lost();
  std::deque<std::shared_ptr<const Outgoing>> unsent;
  unsent.swap(queue_);
  queue_.assign(lost_requests.requeued.begin(), lost_requests.requeued.end());
  front_sent_bytes_ = 0;
  lock.unlock();
  // Not closed here: another thread may be in sendmsg on it. The last owner closes.
  error_code ignored;
  socket->tcp.cancel(ignored);
  ::shutdown(socket->fd, SHUT_RDWR);
  pause();
  log(LogLevel::warning, error.message + "; connecting again");
  fail(lost_requests.failed, error);
  for (const auto& message : unsent)
    if (message->written) message->written(error);
}

void Connection::close(const Error& error) {
  std::unique_lock lock(mutex_);
  if (state_ == State::closed) return;
  if (state_ == State::ready) lost_since_ns_ = now_ns();
  state_ = State::closed;
  last_error_ = error;
  const SocketPtr socket = std::move(socket_);
  socket_ = nullptr;
  const auto handlers = table_.fail_all();
  std::deque<std::shared_ptr<const Outgoing>> unsent;
  unsent.swap(queue_);
  lock.unlock();
  error_code ignored;
  if (socket) {
    socket->tcp.cancel(ignored);
    ::shutdown(socket->fd, SHUT_RDWR);
  }
  resolver_.cancel();
  attempt_timer_.cancel();
  deadline_timer_.cancel();
  fail(handlers, error);
  for (const auto& message : unsent)
    if (message->written) message->written(error);
  if (auto first = std::move(first_attempt_)) first(error);
}

// ---- deadlines ----------------------------------------------------------------------------------------------------

void Connection::arm_deadline(std::int64_t deadline_ns) {
  const std::int64_t wait_ns = std::max<std::int64_t>(deadline_ns - now_ns(), 0);
  deadline_timer_.expires_after(std::chrono::nanoseconds(wait_ns));
  deadline_timer_.async_wait([self = shared_from_this()](const error_code& error) {
    if (!error) self->deadlines_passed();
  });
}

void Connection::deadlines_passed() {
  std::unique_lock lock(mutex_);
  if (state_ == State::closed) return;
  const auto expired = table_.expire(now_ns());
  armed_deadline_ns_ = table_.earliest_deadline_ns();
  const std::int64_t next_ns = armed_deadline_ns_;
  const bool is_ready = state_ == State::ready;
  const SocketPtr socket = socket_;
  const Error error{Errc::timed_out, "no answer from " + addresses_[address_index_].text() + " in time" +
                                         (is_ready ? std::string() : " (" + last_error_.message + ")")};
  lock.unlock();
  if (next_ns != kNoDeadline) arm_deadline(next_ns);
  fail(expired.handlers, error);
  // Nothing at all has come since the oldest of them was sent, long ago: the peer is gone without saying so.
  if (!is_ready || expired.oldest_sent_ns == kNoDeadline || expired.oldest_sent_ns <= last_received_ns_.load()) return;
  if (now_ns() - expired.oldest_sent_ns >= options_.connect_timeout_ms * kNsPerMs)
    lost(socket, lost_error("no sign of life"));
}

}  // namespace logcask::client
