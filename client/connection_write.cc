// Writing to a connection: on whichever thread has something to send, as long as the socket takes it.

#include <sys/socket.h>

#include <boost/asio/post.hpp>
#include <cerrno>

#include "client/connection.h"

namespace logcask::client {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr std::size_t kMessagesPerWrite = 32;

}  // namespace

// The caller holds the lock and found nobody writing. Writes until the queue is empty or the socket takes no more.
void Connection::pump(std::unique_lock<std::mutex>& lock, const SocketPtr& socket) {
  socket->writing = true;
  while (socket == socket_ && state_ == State::ready && !queue_.empty()) {
    const Sent sent = send_some(lock, socket);
    if (sent == Sent::some) continue;
    if (sent == Sent::later) return wait_writable(socket);  // still writing
    break;
  }
  socket->writing = false;
}

Connection::Sent Connection::send_some(std::unique_lock<std::mutex>& lock, const SocketPtr& socket) {
  iovec pieces[2 * kMessagesPerWrite];
  std::shared_ptr<const Outgoing> held[kMessagesPerWrite];  // a lost connection empties the queue meanwhile
  std::size_t count = 0;
  std::size_t messages = 0;
  std::size_t skip = front_sent_bytes_;
  const auto add = [&](ByteView bytes) {
    if (skip >= bytes.size()) {
      skip -= bytes.size();
      return;
    }
    pieces[count++] = {const_cast<char*>(bytes.data()) + skip, bytes.size() - skip};
    skip = 0;
  };
  while (messages < kMessagesPerWrite && messages < queue_.size()) {
    held[messages] = queue_[messages];
    const Outgoing& message = *held[messages++];
    // A request that was given up before any of its bytes left is not sent at all.
    const bool begun = messages == 1 && front_sent_bytes_ > 0;
    if (message.id != 0 && !begun && !table_.contains(message.id)) {
      if (messages > 1) {
        --messages;
        break;
      }
      queue_.pop_front();
      return Sent::some;
    }
    table_.mark_sent(message.id);
    add(message.head);
    add(message.attachment);
  }
  msghdr header{};
  header.msg_iov = pieces;
  header.msg_iovlen = count;
  lock.unlock();
  ssize_t sent;
  do {
    sent = ::sendmsg(socket->fd, &header, MSG_NOSIGNAL | MSG_DONTWAIT);
  } while (sent < 0 && errno == EINTR);
  const int error_number = errno;
  lock.lock();
  if (socket != socket_) return Sent::broken;
  if (sent >= 0) {
    sent_bytes_ += static_cast<std::uint64_t>(sent);
    consume(static_cast<std::size_t>(sent));
    return Sent::some;
  }
  if (error_number == EAGAIN || error_number == EWOULDBLOCK) return Sent::later;
  asio::post(io_, [self = shared_from_this(), socket, error_number] {
    self->lost(socket, self->lost_error(error_code(error_number, boost::system::system_category()).message()));
  });
  return Sent::broken;
}

void Connection::consume(std::size_t bytes) {
  bytes += front_sent_bytes_;
  while (!queue_.empty() && bytes >= queue_.front()->total_bytes()) {
    bytes -= queue_.front()->total_bytes();
    if (queue_.front()->written) asio::post(io_, [message = std::move(queue_.front())] { message->written(Status()); });
    queue_.pop_front();
  }
  front_sent_bytes_ = bytes;
}

void Connection::wait_writable(const SocketPtr& socket) {
  asio::post(io_, [self = shared_from_this(), socket] {
    socket->tcp.async_wait(asio::ip::tcp::socket::wait_write, [self, socket](const error_code& error) {
      std::unique_lock lock(self->mutex_);
      socket->writing = false;
      if (!error && socket == self->socket_) self->pump(lock, socket);
    });
  });
}

}  // namespace logcask::client
