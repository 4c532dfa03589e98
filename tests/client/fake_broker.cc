#include "tests/client/fake_broker.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "proto/frame.h"

namespace logcask::client {

FakeBroker::Peer::~Peer() { ::close(fd_); }

void FakeBroker::Peer::send_raw(const std::string& bytes) {
  const std::lock_guard lock(mutex_);
  std::size_t at = 0;
  while (at < bytes.size()) {
    const ssize_t sent = ::send(fd_, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
    if (sent <= 0) return;  // the client has gone
    at += static_cast<std::size_t>(sent);
  }
}

void FakeBroker::Peer::reply(std::uint64_t id, v1::ResponseHeader header, const std::string& attachment) {
  header.set_correlation_id(id);
  std::string bytes;
  append_frame_head(bytes, header, attachment.size());
  send_raw(bytes + attachment);
}

void FakeBroker::Peer::refuse(std::uint64_t id, Errc code, const std::string& message) {
  v1::ResponseHeader header;
  header.set_error_code(static_cast<std::int32_t>(code));
  header.set_error_message(message);
  reply(id, std::move(header));
}

void FakeBroker::Peer::hang_up() { ::shutdown(fd_, SHUT_RDWR); }

FakeBroker::FakeBroker(Handler handler, int port) : handler_(std::move(handler)) {
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  LOGCASK_CHECK(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  LOGCASK_CHECK(::listen(listener_, 16) == 0);
  socklen_t size = sizeof address;
  LOGCASK_CHECK(::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_loop(); });
}

FakeBroker::~FakeBroker() {
  stopping_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  ::close(listener_);
  hang_up_all();
  for (std::thread& thread : threads_) thread.join();
}

void FakeBroker::hang_up_all() {
  const std::lock_guard lock(mutex_);
  for (const auto& weak : peers_)
    if (const auto peer = weak.lock()) peer->hang_up();
}

void FakeBroker::accept_loop() {
  while (true) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    ++connections_;
    const auto peer = std::make_shared<Peer>(fd);
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
    peers_.push_back(peer);
    threads_.emplace_back([this, peer] { serve(peer); });
  }
}

void FakeBroker::answer_hello(const PeerPtr& peer, std::uint64_t id) {
  if (hello_error_ != Errc::ok) return peer->refuse(id, hello_error_);
  v1::ResponseHeader header;
  header.mutable_hello()->set_protocol_version(1);
  header.mutable_hello()->set_broker_version("fake");
  header.mutable_hello()->set_cluster_id("cluster");
  header.mutable_hello()->set_max_frame_bytes(max_frame_bytes_);
  peer->reply(id, std::move(header));
}

void FakeBroker::serve(const PeerPtr& peer) {
  std::string buffer;
  std::vector<char> chunk(256u << 10);
  while (true) {
    const ssize_t received = ::recv(peer->fd(), chunk.data(), chunk.size(), 0);
    if (received <= 0) return;
    buffer.append(chunk.data(), static_cast<std::size_t>(received));
    std::size_t at = 0;
    while (true) {
      const auto frame = next_frame(ByteView(buffer).substr(at), FrameLimits{256u << 20});
      LOGCASK_CHECK(frame.ok());
      if (!*frame) break;
      v1::RequestHeader request;
      LOGCASK_CHECK(request.ParseFromArray((*frame)->header.data(), static_cast<int>((*frame)->header.size())));
      if (request.has_hello())
        answer_hello(peer, request.correlation_id());
      else
        handler_(peer, request, std::string((*frame)->attachment));
      at += (*frame)->total_bytes;
    }
    buffer.erase(0, at);
  }
}

}  // namespace logcask::client
