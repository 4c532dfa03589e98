#pragma once
// Accepts connections on one address, for one protocol, and hands each to an I/O thread that has few. Several listeners
// may share the I/O threads; what they share besides is NetParts.
//
// Never spins: when descriptors run out, one kept in reserve is used to accept and close, so that peers see
// a closed connection and not a hanging one; the log is told once in a while. Owns its sessions; stop() ends them
// within a deadline.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "broker/net/net_parts.h"
#include "broker/net/protocol.h"
#include "broker/settings/socket_address.h"
#include "broker/threads/io_thread.h"

namespace logcask {

class Session;
class Transport;

class Listener {
 public:
  using Threads = std::vector<std::unique_ptr<IoThread>>;
  // All outlive it; the threads run.
  Listener(Threads& threads, const ProtocolFactory& factory, const NetParts& parts);
  ~Listener();

  // Binds and listens; in_use names the address, and the flag that chooses another. Returns the address with the real
  // port.
  Result<SocketAddress> listen(const SocketAddress& address, std::string_view flag = "--listen");
  // Starts to accept.
  void start();
  // Accepts no more, ends every session (answers being worked on are waited for until the deadline). Not on an I/O
  // thread.
  void stop(const Error& reason, std::int64_t deadline_ms);

 private:
  struct Acceptor;
  void accept();
  void ready(int error_number);
  int accept_one();
  bool admit(std::unique_ptr<Transport> transport, const std::string& peer_address, std::size_t thread);
  void out_of_descriptors(int error_number);
  void closed(Session* session);

  struct Open {
    std::shared_ptr<Session> session;
    Seats::Seat seat;
  };

  Threads& threads_;
  const ProtocolFactory& factory_;
  const NetParts& parts_;
  std::unique_ptr<Acceptor> acceptor_;  // first thread only
  std::int64_t warn_after_ms_ = 0;      // first thread only
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::unordered_map<Session*, Open> sessions_;  // guarded
};

}  // namespace logcask
