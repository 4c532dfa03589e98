#include "tests/hostile/peers.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "base/check.h"
#include "base/coding.h"
#include "logcask/v1/native.pb.h"
#include "proto/frame.h"

namespace logcask::testing {
namespace {

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

void send_some(Peer& peer) {
  const std::size_t most = std::min(peer.unsent.size(), peer.bytes_per_turn);
  const ssize_t sent = ::send(peer.socket, peer.unsent.data(), most, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent > 0) peer.unsent.erase(0, static_cast<std::size_t>(sent));
  if (sent < 0 && errno != EAGAIN) peer.unsent.clear();
  if (peer.unsent.empty() && peer.shut_after_sending) ::shutdown(peer.socket, SHUT_WR);
}

void receive_some(Peer& peer) {
  char buffer[65536];
  const ssize_t got = ::recv(peer.socket, buffer, sizeof buffer, MSG_DONTWAIT);
  if (got == 0 || (got < 0 && errno != EAGAIN)) peer.closed = true;
  if (got <= 0) return;
  peer.received_bytes += static_cast<std::size_t>(got);
  if (peer.received.size() < 4096)
    peer.received.append(buffer, std::min<std::size_t>(static_cast<std::size_t>(got), 4096));
}

}  // namespace

int Peer::first_error() const {
  FrameLimits limits;
  limits.max_frame_bytes = 1u << 20;
  const auto frame = next_frame(received, limits);
  if (!frame.ok() || !*frame) return -1;
  v1::ResponseHeader header;
  if (!header.ParseFromArray((*frame)->header.data(), static_cast<int>((*frame)->header.size()))) return -1;
  return header.error_code();
}

Peers::~Peers() { close_all(); }

Peer& Peers::connect(int group, int receive_buffer) {
  Peer& peer = peers_.emplace_back();
  peer.socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  LOGCASK_CHECK(peer.socket >= 0);
  const int on = 1, send_buffer = 64 << 10;
  ::setsockopt(peer.socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(peer.socket, SOL_SOCKET, SO_SNDBUF, &send_buffer, sizeof send_buffer);
  if (receive_buffer > 0) ::setsockopt(peer.socket, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + static_cast<std::uint32_t>(group));
  ::setsockopt(peer.socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  LOGCASK_CHECK(::bind(peer.socket, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port_);
  if (::connect(peer.socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) peer.closed = true;
  return peer;
}

void Peers::drive(std::int64_t ms, bool until_fates, int turn_ms, bool until_closed) {
  const std::int64_t end = now_ms() + ms;
  std::vector<pollfd> polled;
  std::vector<std::size_t> index;
  while (now_ms() < end) {
    const std::int64_t turn_end = now_ms() + turn_ms;
    polled.clear();
    index.clear();
    for (std::size_t i = 0; i < peers_.size(); ++i) {
      Peer& peer = peers_[i];
      if (peer.closed || (until_fates && !until_closed && peer.answered())) continue;
      if (!peer.unsent.empty()) send_some(peer);
      polled.push_back({peer.socket, static_cast<short>(peer.reads ? POLLIN : 0), 0});
      index.push_back(i);
    }
    if (polled.empty() && until_fates) return;
    if (::poll(polled.data(), polled.size(), turn_ms) > 0)
      for (std::size_t n = 0; n < polled.size(); ++n) {
        if (polled[n].revents == 0) continue;
        Peer& peer = peers_[index[n]];
        if (peer.reads)
          receive_some(peer);
        else
          peer.closed = true;  // nothing else is reported for one that does not read
      }
    // Slow senders keep their pace whatever is reported.
    const std::int64_t left = turn_end - now_ms();
    if (left > 0 && turn_ms > 10) ::poll(nullptr, 0, static_cast<int>(left));
  }
}

void Peers::close_all() {
  for (Peer& peer : peers_) {
    if (peer.socket < 0) continue;
    const linger reset{1, 0};
    ::setsockopt(peer.socket, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    ::close(peer.socket);
  }
  peers_.clear();
}

std::size_t Peers::answered() const {
  return static_cast<std::size_t>(
      std::count_if(peers_.begin(), peers_.end(), [](const Peer& p) { return p.answered(); }));
}
std::size_t Peers::closed() const {
  return static_cast<std::size_t>(std::count_if(peers_.begin(), peers_.end(), [](const Peer& p) { return p.closed; }));
}
std::size_t Peers::without_fate() const {
  return static_cast<std::size_t>(
      std::count_if(peers_.begin(), peers_.end(), [](const Peer& p) { return !p.closed && !p.answered(); }));
}

std::string frame_prefix(std::uint32_t frame_bytes, std::uint32_t header_bytes) {
  std::string prefix(8, '\0');
  store_be(prefix.data(), frame_bytes);
  store_be(prefix.data() + 4, header_bytes);
  return prefix;
}

std::string hello_frame() {
  v1::RequestHeader request;
  request.mutable_hello()->set_client_name("hostile");
  request.mutable_hello()->set_min_protocol_version(1);
  request.mutable_hello()->set_max_protocol_version(1);
  std::string frame;
  append_frame_head(frame, request, 0);
  return frame;
}

}  // namespace logcask::testing
