#include "bench/wire.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "base/coding.h"
#include "bench/figures.h"
#include "bench/workload.h"
#include "logcask/v1/native.pb.h"
#include "proto/frame.h"
#include "proto/lookup_codec.h"

namespace logcask::bench {

int try_connect_tcp(const std::string& address) {
  const std::size_t colon = address.rfind(':');
  sockaddr_in to{};
  to.sin_family = AF_INET;
  if (colon == std::string::npos || inet_pton(AF_INET, address.substr(0, colon).c_str(), &to.sin_addr) != 1)
    die("'" + address + "' is not a numeric host:port");
  to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1))));
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) die_errno("socket");
  if (connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
    close(fd);
    return -1;
  }
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  return fd;
}

int connect_tcp(const std::string& address) {
  const int fd = try_connect_tcp(address);
  if (fd < 0) die_errno("connect " + address);
  return fd;
}

void set_nonblocking(int fd) {
  if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) != 0) die_errno("fcntl");
}

void write_all(int fd, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EINTR) die_errno("send");
    if (sent > 0) bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

std::string make_frame(const v1::RequestHeader& header, ByteView attachment) {
  std::string frame;
  append_frame_head(frame, header, attachment.size());
  frame.append(attachment);
  return frame;
}

std::string make_get_frame(const std::string& topic, std::uint64_t correlation_id, std::uint32_t keys) {
  v1::RequestHeader header;
  header.set_correlation_id(correlation_id);
  header.mutable_get()->set_topic(topic);
  header.mutable_get()->set_partition(-1);
  header.mutable_get()->set_key_count(keys);
  std::string attachment;
  for (std::uint32_t i = 0; i < keys; ++i) append_key(attachment, key_of(i));
  return make_frame(header, attachment);
}

bool read_frame(int fd, std::string& frame) {
  const auto fill = [&](std::size_t bytes) {
    std::size_t at = frame.size();
    frame.resize(bytes);
    while (at < bytes) {
      const ssize_t got = recv(fd, frame.data() + at, bytes - at, 0);
      if (got == 0 || (got < 0 && errno != EINTR)) return false;
      if (got > 0) at += static_cast<std::size_t>(got);
    }
    return true;
  };
  frame.clear();
  if (!fill(kFramePrefixBytes)) return false;
  return fill(4 + std::size_t{load_be<std::uint32_t>(frame.data())});
}

bool say_hello(int fd) {
  v1::RequestHeader header;
  header.set_correlation_id(1);
  header.mutable_hello()->set_client_name("bench");
  header.mutable_hello()->set_min_protocol_version(kProtocolVersionMin);
  header.mutable_hello()->set_max_protocol_version(kProtocolVersionMax);
  write_all(fd, make_frame(header, {}));
  std::string frame;
  if (!read_frame(fd, frame)) return false;
  const auto view = take(next_frame(frame, {frame.size()}));
  v1::ResponseHeader answer;
  if (!view || !answer.ParseFromArray(view->header.data(), static_cast<int>(view->header.size())) ||
      answer.error_code() != 0)
    die("hello was refused: " + answer.error_message());
  return true;
}

}  // namespace logcask::bench
