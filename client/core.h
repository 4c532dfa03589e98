#pragma once
// What the public classes stand on: the I/O thread, its two connections, timers. Internal to client/.
//
// Threads: every function may be called from any thread. The thread ends with the last owner of the Core.
// Handlers run on the I/O thread. A request's handler must not own the Core (it would keep itself alive).

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "client/outgoing.h"
#include "client/request_table.h"
#include "client/response.h"
#include "logcask/client.h"

namespace logcask::client {

// Fetches and streams have a connection of their own, so that bulk data does not delay lookups and writes.
enum class Lane : std::uint8_t { requests, bulk };

struct CallSpec {
  Lane lane = Lane::requests;
  std::int64_t timeout_ms = 0;  // 0 = request_timeout_ms; kNoTimeout = none
  OnLost on_lost = OnLost::fail_if_sent;
  bool stream = false;
};
inline constexpr std::int64_t kNoTimeout = -1;

// Raw bytes that travel behind the header: copied from `copied`, or sent from where they lie while `owner` lives.
struct Attachment {
  std::string copied;
  ByteView view;
  std::shared_ptr<const void> owner;
};

class Core {
 public:
  static Result<std::shared_ptr<Core>> connect(const Options& options);
  ~Core();

  // Fills in the correlation id and returns it.
  std::uint64_t call(v1::RequestHeader& header, Attachment attachment, const CallSpec& spec, ResponseHandler handler);
  // Without answer, see Connection::send_only. `written` as in Outgoing.
  void send_only(Lane lane, v1::RequestHeader& header, Attachment attachment, bool when_ready,
                 std::function<void(Status)> written = {});
  // Ends a stream or request: its handler is not called any more, and the broker is told.
  void cancel(Lane lane, std::uint64_t id);
  void grant_credit(Lane lane, std::uint64_t id, std::size_t bytes);

  // Runs `task` on the I/O thread; after `delay_ms` when given, or at once when the client is closed: what waits for a
  // time learns then that there is none.
  void post(std::function<void()> task);
  void after_ms(std::int64_t delay_ms, std::function<void()> task);
  bool on_io_thread() const;

  void close();
  bool closed() const;
  bool connected() const;
  BrokerInfo broker() const;
  // Of one connection; of the bulk one, as long as nobody has needed it, that of the other.
  Contact contact(Lane lane) const;
  Contact contact() const;  // of the one that fares worst
  Statistics statistics() const;
  // To the program's hook, if it has one. I/O thread.
  void log(LogLevel level, std::string_view line) const;
  const Options& options() const;
  // What the broker is told to wait at most, a little less than we do, so that its answer arrives in time.
  std::uint32_t broker_timeout_ms(std::int64_t timeout_ms) const;

 private:
  struct Io;
  explicit Core(std::shared_ptr<Io> io) : io_(std::move(io)) {}
  std::shared_ptr<Io> io_;
};

}  // namespace logcask::client
