#include "broker/net/listener.h"

#include <fcntl.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <future>
#include <utility>

#include "broker/log.h"
#include "broker/net/session.h"
#include "broker/net/tcp_transport.h"

namespace logcask {
namespace {

using Tcp = boost::asio::ip::tcp;

constexpr std::int64_t kPauseMs = 100;
constexpr int kAcceptedAtATime = 16;
// Waiting peers that are turned away at a time when descriptors have run out.
constexpr int kRefusedAtATime = 256;
constexpr std::int64_t kWarnEveryMs = 60'000;

int open_reserve() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

Error bind_error(const boost::system::error_code& failure, const SocketAddress& address, std::string_view flag) {
  const bool taken = failure == boost::asio::error::address_in_use;
  const bool foreign = failure == boost::system::errc::address_not_available;
  return Error{
      taken ? Errc::in_use : Errc::io_error,
      "listen on " + address.to_string() + ": " + failure.message() +
          (taken     ? "; is another broker running? Choose another " + std::string(flag) + " HOST:PORT"
           : foreign ? "; " + std::string(flag) + " wants an address of this machine, or 0.0.0.0 for all of them"
                     : "")};
}

}  // namespace

struct Listener::Acceptor {
  explicit Acceptor(boost::asio::io_context& context) : tcp(context) {}
  ~Acceptor() {
    if (reserve >= 0) ::close(reserve);
  }
  Tcp::acceptor tcp;
  int reserve = open_reserve();
};

Listener::Listener(Threads& threads, const ProtocolFactory& factory, const NetParts& parts)
    : threads_(threads), factory_(factory), parts_(parts) {}

Listener::~Listener() = default;

Result<SocketAddress> Listener::listen(const SocketAddress& address, std::string_view flag) {
  boost::system::error_code failure;
  boost::asio::io_context& context = threads_[0]->context();
  Tcp::resolver resolver(context);
  const auto found = resolver.resolve(address.host, std::to_string(address.port), Tcp::resolver::passive, failure);
  if (failure || found.empty())
    return Error{Errc::invalid_config,
                 "listen on " + address.to_string() + ": the host cannot be resolved: " + failure.message()};
  const Tcp::endpoint endpoint = found.begin()->endpoint();
  auto acceptor = std::make_unique<Acceptor>(context);
  acceptor->tcp.open(endpoint.protocol(), failure);
  if (!failure) acceptor->tcp.set_option(Tcp::acceptor::reuse_address(true), failure);
  if (!failure) acceptor->tcp.bind(endpoint, failure);
  if (!failure) acceptor->tcp.listen(Tcp::acceptor::max_listen_connections, failure);
  if (!failure) acceptor->tcp.non_blocking(true, failure);
  if (!failure) ::fcntl(acceptor->tcp.native_handle(), F_SETFD, FD_CLOEXEC);
  if (failure) return bind_error(failure, address, flag);
  const Tcp::endpoint local = acceptor->tcp.local_endpoint(failure);
  if (failure) return bind_error(failure, address, flag);
  acceptor_ = std::move(acceptor);
  return SocketAddress{local.address().to_string(), local.port()};
}

void Listener::start() {
  threads_[0]->post([this] { accept(); });
}

void Listener::accept() {
  if (stopping_ || !acceptor_) return;
  acceptor_->tcp.async_wait(Tcp::acceptor::wait_read,
                            [this](const boost::system::error_code& failure) { ready(failure.value()); });
}

// Those that wait, a few in one go; where each goes is decided as late as can be.
void Listener::ready(int error_number) {
  if (stopping_ || error_number == ECANCELED) return;
  for (int i = 0; i < kAcceptedAtATime && error_number == 0; ++i) error_number = accept_one();
  if (error_number == EMFILE || error_number == ENFILE || error_number == ENOBUFS || error_number == ENOMEM) {
    out_of_descriptors(error_number);
    threads_[0]->call_after(kPauseMs, [this] { accept(); });
    return;
  }
  // Nobody waits any more, a peer went away while it was waiting, or the network hiccuped.
  accept();
}

// 0, or the error's number.
int Listener::accept_one() {
  const std::size_t thread = parts_.turns.join();
  Tcp::socket socket(threads_[thread]->context());
  Tcp::endpoint remote;
  boost::system::error_code failure;
  acceptor_->tcp.accept(socket, remote, failure);
  if (!failure) {
    ::fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);
    if (admit(std::make_unique<TcpTransport>(std::move(socket)), remote.address().to_string(), thread)) return 0;
  }
  parts_.turns.left(thread);
  return failure.value();
}

bool Listener::admit(std::unique_ptr<Transport> transport, const std::string& peer_address, std::size_t thread) {
  Result<Seats::Seat> seat = parts_.seats.take(peer_address);
  if (!seat.ok()) {
    parts_.metrics.connections_refused.add();
    log_peer(PeerEvent::connection_refused, "connection from " + peer_address + " refused: " + seat.error().message);
    transport->dismiss(factory_.farewell(seat.error()));
    return false;
  }
  parts_.metrics.connections_accepted.add();
  parts_.metrics.connections_open.add();
  auto session = std::make_shared<Session>(std::move(transport), Session::Home{*threads_[thread], thread}, factory_,
                                           parts_, peer_address, [this](Session* ended) { closed(ended); });
  {
    const std::lock_guard lock(mutex_);
    sessions_.emplace(session.get(), Open{session, std::move(seat).value()});
  }
  session->thread().post([session] { session->start(); });
  return true;
}

// The waiting peers get a closed connection at once, and the loop does not spin on them.
void Listener::out_of_descriptors(int error_number) {
  if (const std::int64_t now = threads_[0]->clock().monotonic_ns() / 1'000'000; now >= warn_after_ms_) {
    warn_after_ms_ = now + kWarnEveryMs;
    log_warn("no connection can be accepted: " + error_from_errno(error_number, "accept").message +
             "; new ones are refused until others end. Raise the limit on open files or lower connections.max");
  }
  if (acceptor_->reserve >= 0) ::close(std::exchange(acceptor_->reserve, -1));
  boost::system::error_code failure;
  acceptor_->tcp.non_blocking(true, failure);
  for (int i = 0; i < kRefusedAtATime && !failure; ++i) {
    Tcp::socket refused(threads_[0]->context());
    acceptor_->tcp.accept(refused, failure);
    if (failure) break;
    parts_.metrics.connections_refused.add();
    refused.close(failure);
  }
  acceptor_->reserve = open_reserve();
}

void Listener::closed(Session* session) {
  parts_.metrics.connections_open.sub();
  parts_.turns.left(session->number());
  Open last;  // ends after the lock has been released
  const std::lock_guard lock(mutex_);
  if (const auto held = sessions_.find(session); held != sessions_.end()) {
    last = std::move(held->second);
    sessions_.erase(held);
  }
  changed_.notify_all();
}

void Listener::stop(const Error& reason, std::int64_t deadline_ms) {
  if (stopping_.exchange(true)) return;
  // The acceptor belongs to the first thread.
  const auto closed = std::make_shared<std::promise<void>>();  // that thread may still be at it when this goes on
  threads_[0]->post([this, closed] {
    // Closed, not destroyed: an accept that has just succeeded still refers to it.
    boost::system::error_code ignored;
    if (acceptor_) acceptor_->tcp.close(ignored);
    closed->set_value();
  });
  closed->get_future().wait();
  const auto each = [this](const std::function<void(Session&)>& act) {
    std::vector<std::shared_ptr<Session>> sessions;
    {
      const std::lock_guard lock(mutex_);
      for (const auto& [key, open] : sessions_) sessions.push_back(open.session);
    }
    for (auto& session : sessions) session->thread().post([session, act] { act(*session); });
  };
  const auto wait_until_empty = [this](std::int64_t ms) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::milliseconds(ms), [this] { return sessions_.empty(); });
  };
  each([reason](Session& session) { session.shut(reason); });
  if (wait_until_empty(deadline_ms)) return;
  each([reason](Session& session) { session.close(reason); });
  wait_until_empty(1000);
}

}  // namespace logcask
