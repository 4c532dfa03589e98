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
#include <cstdio>
#include <fstream>
#include <set>

#include "base/check.h"
#include "base/coding.h"
#include "logcask/v1/native.pb.h"
#include "proto/frame.h"

namespace logcask::testing {
namespace {

void send_some(Peer& peer) {
  const std::size_t most = std::min(peer.unsent.size(), peer.bytes_per_turn);
  if (peer.began_ms < 0) peer.began_ms = steady_ms();
  const ssize_t sent = ::send(peer.socket, peer.unsent.data(), most, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent > 0) peer.unsent.erase(0, static_cast<std::size_t>(sent));
  if (sent < 0 && errno != EAGAIN) peer.unsent.clear();
  if (peer.unsent.empty() && peer.shut_after_sending) ::shutdown(peer.socket, SHUT_WR);
}

void note_closed(Peer& peer) {
  peer.closed = true;
  peer.closed_ms = steady_ms();
}

void take_answers(Peer& peer) {
  FrameLimits limits;
  limits.max_frame_bytes = 64u << 20;
  while (true) {
    const auto frame = next_frame(peer.received, limits);
    if (!frame.ok() || !*frame) return;
    v1::ResponseHeader header;
    // A broker that sends nonsense has answered nothing.
    if (!header.ParseFromArray((*frame)->header.data(), static_cast<int>((*frame)->header.size()))) return;
    int code = header.error_code();
    if (code == 0 && header.produce().results_size() > 0) code = header.produce().results(0).error().code();
    peer.answers.push_back({header.correlation_id(), code, steady_ms()});
    peer.received.erase(0, (*frame)->total_bytes);
  }
}

void receive_some(Peer& peer) {
  char buffer[65536];
  const ssize_t got = ::recv(peer.socket, buffer, sizeof buffer, MSG_DONTWAIT);
  if (got == 0 || (got < 0 && errno != EAGAIN)) note_closed(peer);
  if (got <= 0) return;
  peer.received.append(buffer, static_cast<std::size_t>(got));
  take_answers(peer);
}

std::uint64_t address_of(int socket) {
  sockaddr_in own{};
  socklen_t size = sizeof own;
  LOGCASK_CHECK(::getsockname(socket, reinterpret_cast<sockaddr*>(&own), &size) == 0);
  return (std::uint64_t{own.sin_addr.s_addr} << 16) | ntohs(own.sin_port);
}

std::string late(std::int64_t at_ms, std::int64_t from_ms, std::int64_t within_ms) {
  if (at_ms - from_ms <= within_ms) return {};
  return " after " + std::to_string(at_ms - from_ms) + " ms instead of " + std::to_string(within_ms);
}

}  // namespace

std::int64_t steady_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

const PeerAnswer* Peer::answer_to(std::uint64_t id) const {
  const auto found = std::find_if(answers.begin(), answers.end(), [id](const PeerAnswer& a) { return a.id == id; });
  return found == answers.end() ? nullptr : &*found;
}

std::string expect_answer(const Peer& peer, std::uint64_t id, std::initializer_list<Errc> codes, std::int64_t from_ms,
                          std::int64_t within_ms) {
  const PeerAnswer* answer = peer.answer_to(id);
  if (!answer) {
    std::string what = "no answer to " + std::to_string(id) + (peer.closed ? ", closed" : ", open");
    what += " after " + std::to_string(peer.answers.size()) + " answers";
    return peer.answers.empty() ? what : what + ", the last with code " + std::to_string(peer.answers.back().code);
  }
  const bool expected =
      std::any_of(codes.begin(), codes.end(), [answer](Errc code) { return answer->code == static_cast<int>(code); });
  if (!expected) return "answer to " + std::to_string(id) + " with code " + std::to_string(answer->code);
  const std::string wrong = late(answer->at_ms, from_ms, within_ms);
  return wrong.empty() ? wrong : "answer to " + std::to_string(id) + wrong;
}

std::string expect_closed(const Peer& peer, std::int64_t from_ms, std::int64_t within_ms) {
  if (!peer.closed) return "never closed";
  const std::string wrong = late(peer.closed_ms, from_ms, within_ms);
  return wrong.empty() ? wrong : "closed" + wrong;
}

std::string expect_refused(const Peer& peer, std::initializer_list<Errc> codes, std::int64_t from_ms,
                           std::int64_t within_ms) {
  const std::string wrong = expect_answer(peer, 0, codes, from_ms, within_ms);
  return wrong.empty() ? expect_closed(peer, from_ms, within_ms) : wrong;
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
  peer.connected_ms = steady_ms();
  if (::connect(peer.socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) note_closed(peer);
  peer.address = address_of(peer.socket);
  return peer;
}

void Peers::drive(std::int64_t ms, const std::function<bool(const Peer&)>& done, int turn_ms) {
  const std::int64_t end = steady_ms() + ms;
  std::vector<pollfd> polled;
  std::vector<std::size_t> index;
  while (steady_ms() < end) {
    const std::int64_t turn_end = steady_ms() + turn_ms;
    polled.clear();
    index.clear();
    bool all_read = true;
    for (std::size_t i = 0; i < peers_.size(); ++i) {
      Peer& peer = peers_[i];
      if (peer.closed || (done && done(peer))) continue;
      if (!peer.unsent.empty()) send_some(peer);
      all_read = all_read && peer.reads;
      polled.push_back({peer.reads ? peer.socket : -1, POLLIN, 0});
      index.push_back(i);
    }
    if (polled.empty()) return;
    if (::poll(polled.data(), polled.size(), turn_ms) > 0)
      for (std::size_t n = 0; n < polled.size(); ++n)
        if (polled[n].revents != 0) receive_some(peers_[index[n]]);
    if (!all_read) note_those_closed_by_the_broker();
    // Slow senders keep their pace whatever is reported.
    const std::int64_t left = turn_end - steady_ms();
    if (left > 0 && turn_ms > 10) ::poll(nullptr, 0, static_cast<int>(left));
  }
}

// Who does not read learns of a close only behind all that waits for it. The kernel's table says whether the broker
// still holds its end.
void Peers::note_those_closed_by_the_broker() {
  std::set<std::uint64_t> held;
  std::ifstream table("/proc/net/tcp");
  std::string line;
  std::getline(table, line);
  LOGCASK_CHECK(!line.empty());
  while (std::getline(table, line)) {
    unsigned local = 0, local_port = 0, remote = 0, remote_port = 0, state = 0;
    const int fields =
        std::sscanf(line.c_str(), " %*d: %x:%x %x:%x %x", &local, &local_port, &remote, &remote_port, &state);
    const bool open = state == TCP_ESTABLISHED || state == TCP_CLOSE_WAIT;
    if (fields == 5 && local_port == port_ && open) held.insert((std::uint64_t{remote} << 16) | remote_port);
  }
  for (Peer& peer : peers_)
    if (!peer.reads && !peer.closed && !held.contains(peer.address)) note_closed(peer);
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
      std::count_if(peers_.begin(), peers_.end(), [](const Peer& p) { return !p.answers.empty(); }));
}
std::size_t Peers::closed() const {
  return static_cast<std::size_t>(std::count_if(peers_.begin(), peers_.end(), [](const Peer& p) { return p.closed; }));
}

std::string frame_prefix(std::uint32_t frame_bytes, std::uint32_t header_bytes) {
  std::string prefix(8, '\0');
  store_be(prefix.data(), frame_bytes);
  store_be(prefix.data() + 4, header_bytes);
  return prefix;
}

std::string hello_frame() {
  v1::RequestHeader request;
  request.set_correlation_id(kHelloId);
  request.mutable_hello()->set_client_name("hostile");
  request.mutable_hello()->set_min_protocol_version(1);
  request.mutable_hello()->set_max_protocol_version(1);
  std::string frame;
  append_frame_head(frame, request, 0);
  return frame;
}

}  // namespace logcask::testing
