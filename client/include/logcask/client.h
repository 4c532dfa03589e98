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
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <logcask/async.h>
#include <logcask/contact.h>
#include <logcask/export.h>
#include <logcask/result.h>
#include <logcask/statistics.h>

namespace logcask::client {

class LOGCASK_HIDDEN Core;

enum class LogLevel : std::uint8_t { debug, info, warning, error };

struct Options {
  std::string brokers = "127.0.0.1:7440";   // host:port, several separated by commas: tried in turn
  std::string client_name = "logcask-cpp";  // shown in the broker's logs
  std::int64_t connect_timeout_ms = 5000;   // for one attempt, Hello included
  std::int64_t request_timeout_ms = 30000;  // default deadline of a call
  std::int64_t reconnect_backoff_ms = 50;   // first pause; doubles up to the maximum
  std::int64_t reconnect_backoff_max_ms = 2000;
  std::size_t max_response_bytes = 128u << 20;
  std::size_t max_pending_requests = 100000;
  // What happens to connections and streams, one line each: made, lost, attempts that failed (the first of a row as a
  // warning, the rest as debug), reads that are taken up again. Both hooks run as callbacks do (<logcask/async.h>).
  std::function<void(LogLevel, std::string_view)> on_log;
  std::function<void(const Statistics&)> on_statistics;
  std::int64_t statistics_interval_ms = 0;  // how often on_statistics is called; 0 = never
};

// What Hello agreed on.
struct BrokerInfo {
  std::uint32_t protocol_version = 0;
  std::uint64_t features = 0;
  std::string broker_version;
  std::string cluster_id;
  std::uint32_t max_frame_bytes = 0;
};

class LOGCASK_API Client {
 public:
  // Returns when Hello was answered. Every address is tried once, each for connect_timeout_ms: connect_failed names the
  // last one and the reason; unsupported_version when the two share no protocol version; malformed_frame when what
  // answers is no Logcask broker; limit_exceeded when it takes no more connections; invalid_argument for an address
  // or an option that makes no sense.
  static Result<Client> connect(Options options);
  static Result<Client> connect(const std::string& brokers);

  // Of the connection that was made last.
  BrokerInfo broker() const;
  bool connected() const;
  // Of the connection that fares worst.
  Contact contact() const;
  Statistics statistics() const;

  // Ends every open call with Errc::cancelled and closes the connections. Later calls are refused so too.
  void close();

  // For the other classes of this library.
  const std::shared_ptr<Core>& core() const { return core_; }

 private:
  explicit Client(std::shared_ptr<Core> core) : core_(std::move(core)) {}
  std::shared_ptr<Core> core_;
};

}  // namespace logcask::client
