#pragma once
// One broker: everything put together, started and stopped in order.
//
// start() returns when the logs are recovered and the listener is open; keydirs may go on loading. stop() ends
// connections, flushes, writes checkpoints and hints, and marks the directory clean. Not thread-safe: one owner.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "broker/settings/config.h"
#include "broker/settings/socket_address.h"

namespace logcask {

class Directory;

class Broker {
 public:
  // `version` is what clients are told.
  static Result<std::unique_ptr<Broker>> start(const BrokerConfig& config, const std::string& version);
  // The same on a directory of any kind, in place of data.dir.
  static Result<std::unique_ptr<Broker>> start(const BrokerConfig& config, const std::string& version,
                                               std::shared_ptr<Directory> root);
  ~Broker();  // stops
  Broker(const Broker&) = delete;
  Broker& operator=(const Broker&) = delete;

  // Where the native listener listens, with the real port.
  const SocketAddress& native_address() const;
  // The same of the listener for Kafka clients; nothing when there is none.
  std::optional<SocketAddress> kafka_address() const;
  // The same of the HTTP listener.
  std::optional<SocketAddress> http_address() const;
  // Takes what may change while it runs from settings read again, and says in the log what it took and what waits for a
  // restart.
  void reload(const BrokerConfig& fresh);
  // Idempotent. False when something could not be written in order; the log says what.
  bool stop();

 private:
  struct Parts;
  explicit Broker(std::unique_ptr<Parts> parts);
  const std::unique_ptr<Parts> parts_;
};

// The verb `serve`: runs a broker until SIGTERM or SIGINT and returns the exit code: 0 after a clean stop, 1 when it
// could not start or stop in order. SIGHUP reads the settings again with `read_settings`; a broker that has a terminal
// stops cleanly at it, for that is how a terminal says that it closes, and one started with nohup ignores it.
// Prints one line on stdout per open listener, once all of them are: "listening http HOST:PORT", "listening kafka
// HOST:PORT", and "listening native HOST:PORT" last.
// Call before other threads exist: it blocks the signals in all threads.
int run_broker(const BrokerConfig& config, const std::string& version,
               const std::function<Result<BrokerConfig>()>& read_settings);

}  // namespace logcask
