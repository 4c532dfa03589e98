#include "broker/net/tcp_transport.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace logcask {
namespace {

using Tcp = boost::asio::ip::tcp;
using FailureCode = boost::system::error_code;

Error transport_error(const FailureCode& failure) { return Error{Errc::connection_lost, failure.message()}; }

}  // namespace

void TcpTransport::start() {
  FailureCode ignored;
  socket_.set_option(Tcp::no_delay(true), ignored);
  socket_.set_option(boost::asio::socket_base::keep_alive(true), ignored);
  socket_.non_blocking(true, ignored);
}

void TcpTransport::read_some(std::span<char> into, std::shared_ptr<TransportUser> user) {
  socket_.async_read_some(boost::asio::buffer(into.data(), into.size()),
                          [user = std::move(user)](const FailureCode& failure, std::size_t bytes) {
                            if (!failure) return user->received(bytes);
                            if (failure == boost::asio::error::operation_aborted)
                              return user->received(Error{Errc::cancelled, "the read was cancelled"});
                            user->received(transport_error(failure));
                          });
}

void TcpTransport::cancel_read() {
  FailureCode ignored;
  socket_.cancel(ignored);
}

Result<std::size_t> TcpTransport::write(std::span<iovec> pieces) {
  msghdr message{};
  message.msg_iov = pieces.data();
  message.msg_iovlen = pieces.size();
  constexpr int kFlags = MSG_NOSIGNAL | MSG_DONTWAIT;
  while (true) {
    // One piece, as of most small answers, is cheaper without a message header that the kernel has to copy.
    const ssize_t sent = pieces.size() == 1
                             ? ::send(socket_.native_handle(), pieces[0].iov_base, pieces[0].iov_len, kFlags)
                             : ::sendmsg(socket_.native_handle(), &message, kFlags);
    if (sent >= 0) return static_cast<std::size_t>(sent);
    if (errno == EAGAIN || errno == EWOULDBLOCK) return std::size_t{0};
    if (errno != EINTR) return error_from_errno(errno, "write to the peer");
  }
}

void TcpTransport::wait_writable(std::shared_ptr<TransportUser> user) {
  socket_.async_wait(Tcp::socket::wait_write, [user = std::move(user)](const FailureCode& failure) {
    user->writable(failure && failure != boost::asio::error::operation_aborted ? Status(transport_error(failure))
                                                                               : Status());
  });
}

// What the peer has sent already is taken first: the kernel resets a connection that is closed over unread bytes, and
// the peer might lose the farewell with it.
void TcpTransport::dismiss(std::string farewell) {
  constexpr int kLooks = 4;
  char ignored[4096];
  iovec piece{farewell.data(), farewell.size()};
  (void)write({&piece, 1}).ok();
  ::shutdown(socket_.native_handle(), SHUT_WR);
  for (int looks = 0; looks < kLooks; ++looks)
    if (::recv(socket_.native_handle(), ignored, sizeof ignored, MSG_DONTWAIT) <= 0) break;
  close();
}

SocketAddress TcpTransport::local_address() const {
  boost::system::error_code failure;
  const auto endpoint = socket_.local_endpoint(failure);
  if (failure) return {};
  const auto address = endpoint.address();
  // A listener on [::] serves IPv4, too; clients of that family could not use the address as the kernel writes it.
  if (address.is_v6() && address.to_v6().is_v4_mapped())
    return {boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, address.to_v6()).to_string(), endpoint.port()};
  return {address.to_string(), endpoint.port()};
}

void TcpTransport::close() {
  FailureCode ignored;
  socket_.shutdown(Tcp::socket::shutdown_both, ignored);
  socket_.close(ignored);
}

}  // namespace logcask
