#include "broker/net/listener.h"

#include <fcntl.h>
#include <google/protobuf/stubs/logging.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <chrono>
#include <future>
#include <utility>

#include "broker/log.h"
#include "broker/net/session.h"
#include "broker/net/session_socket.h"

namespace logcask {
namespace {

using Tcp = boost::asio::ip::tcp;

constexpr std::int64_t kPauseMs = 100;
// Waiting peers that are turned away at a time when descriptors have run out.
constexpr int kRefusedAtATime = 256;
constexpr std::int64_t kWarnEveryMs = 60'000;

int open_reserve() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

Error bind_error(const boost::system::error_code& failure, const SocketAddress& address) {
  const bool taken = failure == boost::asio::error::address_in_use;
  const bool foreign = failure == boost::system::errc::address_not_available;
  return Error{taken ? Errc::in_use : Errc::io_error,
               "listen on " + address.to_string() + ": " + failure.message() +
                   (taken     ? "; is another broker running? Choose another --listen HOST:PORT"
                    : foreign ? "; --listen wants an address of this machine, or 0.0.0.0 for all of them"
                              : "")};
}

}  // namespace

struct Listener::Acceptor {
  explicit Acceptor(boost::asio::io_context& context) : tcp(context), next(context) {}
  ~Acceptor() {
    if (reserve >= 0) ::close(reserve);
  }
  Tcp::acceptor tcp;
  Tcp::socket next;
  IoThread* target = nullptr;
  TopicView* topics = nullptr;
  int reserve = open_reserve();
};

Listener::Listener(std::vector<NativeThread>& threads, const NativeServices& services, Metrics& metrics, Limits limits)
    : threads_(threads), services_(services), metrics_(metrics), limits_(limits) {
  // What a peer sends is refused with an answer; it has no business on our stderr.
  google::protobuf::SetLogHandler(nullptr);
}

Listener::~Listener() = default;

Result<SocketAddress> Listener::listen(const SocketAddress& address) {
  boost::system::error_code failure;
  boost::asio::io_context& context = threads_[0].thread->context();
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
  if (!failure) ::fcntl(acceptor->tcp.native_handle(), F_SETFD, FD_CLOEXEC);
  if (failure) return bind_error(failure, address);
  const Tcp::endpoint local = acceptor->tcp.local_endpoint(failure);
  if (failure) return bind_error(failure, address);
  acceptor_ = std::move(acceptor);
  return SocketAddress{local.address().to_string(), local.port()};
}

void Listener::start() {
  threads_[0].thread->post([this] { accept(); });
}

void Listener::accept() {
  if (stopping_ || !acceptor_) return;
  NativeThread& target = threads_[turn_];
  turn_ = (turn_ + 1) % threads_.size();
  acceptor_->target = target.thread.get();
  acceptor_->topics = target.topics.get();
  acceptor_->next = Tcp::socket(target.thread->context());
  acceptor_->tcp.async_accept(acceptor_->next,
                              [this](const boost::system::error_code& failure) { accepted(failure.value()); });
}

void Listener::accepted(int error_number) {
  if (stopping_ || error_number == ECANCELED) return;
  if (error_number == 0) {
    admit();
    return accept();
  }
  if (error_number == EMFILE || error_number == ENFILE || error_number == ENOBUFS || error_number == ENOMEM) {
    out_of_descriptors(error_number);
    threads_[0].thread->call_after(kPauseMs, [this] { accept(); });
    return;
  }
  // The peer went away while it was waiting, or the network hiccuped.
  accept();
}

void Listener::admit() {
  boost::system::error_code failure;
  const Tcp::endpoint remote = acceptor_->next.remote_endpoint(failure);
  if (failure) return;
  ::fcntl(acceptor_->next.native_handle(), F_SETFD, FD_CLOEXEC);
  const std::string address = remote.address().to_string();
  if (!count_in(address)) {
    metrics_.connections_refused.add();
    acceptor_->next.close(failure);
    return;
  }
  metrics_.connections_accepted.add();
  metrics_.connections_open.add();
  auto session = std::make_shared<Session>(std::make_unique<Session::Socket>(std::move(acceptor_->next)),
                                           *acceptor_->target, *acceptor_->topics, services_, metrics_, address,
                                           [this](Session* closed) { count_out(closed); });
  {
    const std::lock_guard lock(mutex_);
    sessions_.emplace(session.get(), session);
  }
  session->thread().post([session] { session->start(); });
}

// The waiting peers get a closed connection at once, and the loop does not spin on them.
void Listener::out_of_descriptors(int error_number) {
  if (const std::int64_t now = services_.clock.monotonic_ns() / 1'000'000; now >= warn_after_ms_) {
    warn_after_ms_ = now + kWarnEveryMs;
    log_warn("no connection can be accepted: " + error_from_errno(error_number, "accept").message +
             "; new ones are refused until others end. Raise the limit on open files or lower connections.max");
  }
  if (acceptor_->reserve >= 0) ::close(std::exchange(acceptor_->reserve, -1));
  boost::system::error_code failure;
  acceptor_->tcp.non_blocking(true, failure);
  for (int i = 0; i < kRefusedAtATime && !failure; ++i) {
    Tcp::socket refused(threads_[0].thread->context());
    acceptor_->tcp.accept(refused, failure);
    if (failure) break;
    metrics_.connections_refused.add();
    refused.close(failure);
  }
  acceptor_->reserve = open_reserve();
}

bool Listener::count_in(const std::string& address) {
  const std::lock_guard lock(mutex_);
  if (sessions_.size() >= limits_.connections_max) return false;
  const auto found = per_address_.find(address);
  if (found != per_address_.end() && found->second >= limits_.connections_max_per_address) return false;
  ++per_address_[address];
  return true;
}

void Listener::count_out(Session* session) {
  metrics_.connections_open.sub();
  std::shared_ptr<Session> last;
  const std::lock_guard lock(mutex_);
  const auto found = per_address_.find(session->peer_address());
  if (found != per_address_.end() && --found->second == 0) per_address_.erase(found);
  if (const auto held = sessions_.find(session); held != sessions_.end()) {
    last = std::move(held->second);
    sessions_.erase(held);
  }
  changed_.notify_all();
}

void Listener::stop(const Error& reason, std::int64_t deadline_ms) {
  if (stopping_.exchange(true)) return;
  // The acceptor belongs to the first thread.
  std::promise<void> closed;
  threads_[0].thread->post([this, &closed] {
    // Closed, not destroyed: an accept that has just succeeded still refers to it.
    boost::system::error_code ignored;
    if (acceptor_) acceptor_->tcp.close(ignored);
    closed.set_value();
  });
  closed.get_future().wait();
  const auto each = [this](const std::function<void(Session&)>& act) {
    std::vector<std::shared_ptr<Session>> sessions;
    {
      const std::lock_guard lock(mutex_);
      for (const auto& [key, session] : sessions_) sessions.push_back(session);
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
