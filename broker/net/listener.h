#pragma once
// Accepts native connections and hands each to an I/O thread in turn.
//
// Never spins: when descriptors run out, one kept in reserve is used to accept and close, so that peers see
// a closed connection and not a hanging one; the log is told once in a while. Owns its sessions; stop() ends them
// within a deadline.

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "broker/native/native_services.h"
#include "broker/settings/socket_address.h"
#include "broker/threads/io_thread.h"

namespace logcask {

class Session;

// An I/O thread with what its connections share.
struct NativeThread {
  std::unique_ptr<IoThread> thread;
  std::unique_ptr<TopicView> topics;
};

class Listener {
 public:
  struct Limits {
    std::size_t connections_max = 10'000;
    std::size_t connections_max_per_address = 2'000;
  };
  Listener(std::vector<NativeThread>& threads, const NativeServices& services, Metrics& metrics, Limits limits);
  ~Listener();

  // Binds and listens; in_use names the address. Returns the address with the real port.
  Result<SocketAddress> listen(const SocketAddress& address);
  // Starts to accept.
  void start();
  // Accepts no more, ends every session (answers being worked on are waited for until the deadline). Not on an I/O
  // thread.
  void stop(const Error& reason, std::int64_t deadline_ms);

 private:
  struct Acceptor;
  void accept();
  void accepted(int error_number);
  void admit();
  void out_of_descriptors(int error_number);
  bool count_in(const std::string& address);
  void count_out(Session* session);

  std::vector<NativeThread>& threads_;
  const NativeServices& services_;
  Metrics& metrics_;
  const Limits limits_;
  std::unique_ptr<Acceptor> acceptor_;  // first thread only
  std::size_t turn_ = 0;                // first thread only
  std::int64_t warn_after_ms_ = 0;      // first thread only
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::unordered_map<Session*, std::shared_ptr<Session>> sessions_;  // guarded
  std::map<std::string, std::size_t> per_address_;                   // guarded
};

}  // namespace logcask
