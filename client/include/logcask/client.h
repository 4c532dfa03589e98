#pragma once
// The entry to a broker over the native protocol: connections, their I/O thread, reconnects.
//
// A Client is a handle; copies share the same connections and thread. Producers, consumers, tables, replays and
// admins made from it keep them alive. When the last handle goes, open calls end with Errc::cancelled and the
// thread is joined.
// Threads: every function may be called from any thread.
// Connections: one for requests, one more (opened on first use) for fetches and streams, so that bulk data does not
// delay lookups. A lost connection is made again with growing, jittered pauses; reads are then repeated by themselves
// within their deadline, writes by the Producer under its sequence numbers; everything else ends with connection_lost.
// Limits: at most max_pending_requests open requests (limit_exceeded beyond), answers up to max_response_bytes.

#include <cstdint>
#include <memory>
#include <string>

#include <logcask/async.h>
#include <logcask/result.h>

namespace logcask::client {

class Core;

struct Options {
  std::string brokers = "127.0.0.1:7440";   // host:port, several separated by commas: tried in turn
  std::string client_name = "logcask-cpp";  // shown in the broker's logs
  std::int64_t connect_timeout_ms = 5000;   // for one attempt, Hello included
  std::int64_t request_timeout_ms = 30000;  // default deadline of a call
  std::int64_t reconnect_backoff_ms = 50;   // first pause; doubles up to the maximum
  std::int64_t reconnect_backoff_max_ms = 2000;
  std::size_t max_response_bytes = 128u << 20;
  std::size_t max_pending_requests = 100000;
};

// What Hello agreed on.
struct BrokerInfo {
  std::uint32_t protocol_version = 0;
  std::uint64_t features = 0;
  std::string broker_version;
  std::string cluster_id;
  std::uint32_t max_frame_bytes = 0;
};

class Client {
 public:
  // Returns when Hello was answered. Every address is tried once, each for connect_timeout_ms: connect_failed names the
  // last one and the reason; unsupported_version when the two share no protocol version.
  static Result<Client> connect(Options options);
  static Result<Client> connect(const std::string& brokers);

  // Of the connection that was made last.
  BrokerInfo broker() const;
  bool connected() const;

  // Ends every open call with Errc::cancelled and closes the connections. Later calls are refused so too.
  void close();

  // For the other classes of this folder.
  const std::shared_ptr<Core>& core() const { return core_; }

 private:
  explicit Client(std::shared_ptr<Core> core) : core_(std::move(core)) {}
  std::shared_ptr<Core> core_;
};

}  // namespace logcask::client
