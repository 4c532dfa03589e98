#pragma once
// The way bytes take to a peer and back: plain TCP (tcp_transport.h); encryption stands here when it comes.
//
// Belongs to its session and to one I/O thread. One read and one wait may be under way at a time; they keep the user
// alive, and end soon after close().

#include <sys/uio.h>

#include <cstddef>
#include <memory>
#include <span>

#include "base/result.h"
#include "broker/settings/socket_address.h"

namespace logcask {

class TransportUser {
 public:
  virtual ~TransportUser() = default;
  // How many bytes read_some() has read, at least one; `cancelled` after cancel_read(), else the reason why no more
  // will come, the peer's end included.
  virtual void received(const Result<std::size_t>& bytes) = 0;
  // write() is worth another try; or the reason why none is.
  virtual void writable(const Status& status) = 0;
};

class Transport {
 public:
  virtual ~Transport() = default;

  // On the I/O thread, before anything else.
  virtual void start() = 0;
  // Answers user->received() later, once. `into` stays where it is until then.
  virtual void read_some(std::span<char> into, std::shared_ptr<TransportUser> user) = 0;
  // Ends a read_some() that has brought nothing; a wait may end early, too.
  virtual void cancel_read() = 0;
  // Hands over what can be taken now: how many bytes, 0 when the peer must take some first.
  virtual Result<std::size_t> write(std::span<iovec> pieces) = 0;
  // Answers user->writable() later, once.
  virtual void wait_writable(std::shared_ptr<TransportUser> user) = 0;
  // This end's; empty when the connection is gone.
  virtual SocketAddress local_address() const = 0;
  // Idempotent.
  virtual void close() = 0;
  // Instead of start(), for a connection that is not served: sends what fits at once and closes. Never waits.
  virtual void dismiss(std::string farewell) = 0;
};

}  // namespace logcask
