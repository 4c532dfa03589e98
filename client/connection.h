#pragma once
// One TCP connection to a broker that is made again whenever it is lost. The only file pair here that knows Asio's
// sockets.
//
// Decisions live in sans-I/O parts (request_table, frame_assembler, backoff); this class moves their bytes.
// Threads: functions marked (any) may be called from any thread, the rest on the I/O thread. A caller writes its bytes
// to an idle socket itself, so a request costs no hand-over to the I/O thread; answers are read there and handlers run
// there, without the lock. One mutex guards table and queue; nothing blocks under it.
// Owned by Core; the running operations keep it alive until close().

#include <sys/uio.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "client/backoff.h"
#include "client/frame_assembler.h"
#include "client/request_table.h"
#include "logcask/client.h"

namespace logcask::client {

struct Address {
  std::string host;
  std::string port;
  std::string text() const { return host + ":" + port; }
};
// "h:p,h:p" or "[::1]:p"; invalid_argument names the part that is wrong.
Result<std::vector<Address>> parse_addresses(const std::string& brokers);

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  // `first_attempt` is called once, on the I/O thread: when Hello was answered, or when every address was tried in
  // vain; in that case the connection is closed.
  Connection(boost::asio::io_context& io, Options options, std::vector<Address> addresses, bool close_on_failure,
             std::function<void(Status)> first_attempt);

  void start();
  // Ends every open request with `error` and refuses all later ones with it.
  void close(const Error& error);

  // (any) The handler is called on the I/O thread, also when the request is refused at once.
  void submit(std::uint64_t id, OpenRequest request);
  // (any) Nobody waits for an answer. Dropped when there is no connection, or kept in order with `when_ready`.
  void send_only(std::shared_ptr<const Outgoing> message, bool when_ready);
  // (any) Forgets the request: its handler is not called any more, unless it is running. True when it was open.
  bool forget(std::uint64_t id);
  // (any)
  bool ready() const;
  Contact contact() const;
  void add_to(Statistics& sum) const;
  BrokerInfo broker() const;

 private:
  // A socket's lifetime: the thread that writes may outlast the reader, so both share it and nobody closes it early.
  struct Socket {
    explicit Socket(boost::asio::io_context& io) : tcp(io) {}
    boost::asio::ip::tcp::socket tcp;
    int fd = -1;
    bool writing = false;  // some thread is in pump() or waits for the socket to take more; guarded by mutex_
  };
  using SocketPtr = std::shared_ptr<Socket>;
  enum class State { connecting, ready, pausing, closed };

  // Making a connection (I/O thread).
  void attempt();
  void attempt_address();
  void connect_to(const boost::asio::ip::tcp::resolver::results_type& endpoints);
  void say_hello();
  void read_hello(const SocketPtr& socket);
  Status take_hello(const AssembledFrame& frame);
  void became_ready();
  void attempt_failed(const Error& error);
  void pause();

  // Using it (I/O thread).
  void read_more(const SocketPtr& socket);
  Status dispatch_frames();
  Status dispatch(AssembledFrame frame);
  Status unreadable(std::uint64_t correlation_id);
  void lost(const SocketPtr& socket, const Error& error);
  void arm_deadline(std::int64_t deadline_ns);
  void deadlines_passed();

  // Writing (any thread).
  void pump(std::unique_lock<std::mutex>& lock, const SocketPtr& socket);
  enum class Sent { some, later, broken };
  Sent send_some(std::unique_lock<std::mutex>& lock, const SocketPtr& socket);
  void consume(std::size_t bytes);
  void wait_writable(const SocketPtr& socket);

  Error lost_error(const std::string& reason) const;
  void log(LogLevel level, const std::string& line) const;
  void heard(std::size_t bytes);
  void fail(const RequestTable::Handlers& handlers, const Error& error);

  boost::asio::io_context& io_;
  const Options options_;
  const std::vector<Address> addresses_;
  const bool close_on_failure_;
  std::function<void(Status)> first_attempt_;
  boost::asio::ip::tcp::resolver resolver_;
  boost::asio::steady_timer attempt_timer_;
  boost::asio::steady_timer deadline_timer_;
  std::int64_t armed_deadline_ns_ = kNoDeadline;  // guarded by mutex_
  Backoff backoff_;
  std::size_t address_index_ = 0;
  std::size_t addresses_tried_ = 0;
  std::uint64_t attempt_number_ = 0;
  bool attempt_was_logged_ = false;  // one that failed, since the last that did not
  std::string hello_bytes_;
  FrameAssembler assembler_;
  // Read by any thread.
  std::atomic<std::int64_t> last_received_ns_{0};
  std::atomic<std::uint64_t> received_bytes_{0};
  std::atomic<std::uint64_t> responses_{0};
  std::atomic<std::uint64_t> failed_requests_{0};

  mutable std::mutex mutex_;
  State state_ = State::connecting;
  SocketPtr socket_;
  RequestTable table_;
  std::deque<std::shared_ptr<const Outgoing>> queue_;
  std::size_t front_sent_bytes_ = 0;
  std::uint64_t requests_ = 0;
  std::uint64_t sent_bytes_ = 0;
  std::uint64_t connections_made_ = 0;
  std::uint64_t connections_lost_ = 0;
  std::int64_t lost_since_ns_;
  BrokerInfo broker_;
  Error last_error_{Errc::connect_failed, "not connected yet"};
};

}  // namespace logcask::client
