#pragma once
// One accepted socket: reads what has arrived, has it executed, writes all answers with one call, keeps the
// deadlines. The protocol is native_protocol.h's business.
//
// Belongs to one I/O thread. Kept alive by its pending socket operations and its timer; when closed it tells its owner
// once. It reads only while the connection wants input, so a peer that does not read its answers is not read either,
// and is closed when it takes nothing for write_timeout_ms. A frame that does not fit the usual buffer is read on only
// with a lease of its size (wire_memory.h); frames wait for leases in the order they came, for frame_timeout_ms at
// most.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "broker/native/native_protocol.h"
#include "broker/net/in_buffer.h"
#include "broker/threads/io_thread.h"

namespace logcask {

class Session final : public ProtocolHost, public std::enable_shared_from_this<Session> {
 public:
  struct Socket;  // of Asio, out of this header

  Session(std::unique_ptr<Socket> socket, IoThread& thread, TopicView& topics, const NativeServices& services,
          Metrics& metrics, std::string peer_address, std::function<void(Session*)> on_close);
  ~Session() override;

  // All on the I/O thread.
  void start();
  // Ends open calls and takes no more requests; closes when what is being worked on has been answered.
  void shut(const Error& reason);
  void close(const Error& reason);

  IoThread& thread() { return thread_; }
  const std::string& peer_address() const { return peer_address_; }

  void output_ready() override;
  void input_wanted() override;

 private:
  void read();
  void received(int error_number, std::size_t bytes);
  bool have_room();
  std::size_t usual_buffer() const { return busy_ ? InBuffer::kBusyBytes : InBuffer::kFirstBytes; }
  void calm_down(std::int64_t now_ms);
  void execute();
  void flush();
  void wait_writable();
  void close_if_done();
  void tick();
  Status overdue(std::int64_t now_ms) const;
  std::int64_t now_ms() const { return thread_.clock().monotonic_ns() / 1'000'000; }

  const std::unique_ptr<Socket> socket_;
  IoThread& thread_;
  const ConnectionLimits& limits_;
  Metrics& metrics_;
  const std::string peer_address_;
  std::function<void(Session*)> on_close_;  // emptied once called
  const std::shared_ptr<NativeProtocol> connection_;
  WireMemory& memory_;
  InBuffer in_;
  MemoryShare::Lease busy_;      // for a buffer that follows the traffic
  MemoryShare::Lease frame_;     // for a frame that is larger than that
  MemoryShare* line_ = nullptr;  // where the frame waits for its lease
  std::uint64_t place_ = 0;
  std::int64_t waiting_since_ms_ = 0;
  bool parked_ = false;  // the connection wanted no input when it was asked last
  bool reading_ = false;
  bool executing_ = false;
  bool flush_posted_ = false;
  bool execute_posted_ = false;
  bool writing_ = false;  // waiting for the socket to take more
  bool closed_ = false;
  bool shut_ = false;
  EventLoop::TimerId timer_ = 0;
  std::int64_t started_ms_ = 0;
  std::int64_t last_input_ms_ = 0;
  std::int64_t frame_started_ms_ = -1;  // a frame has begun and is not complete
  std::int64_t last_output_ms_ = 0;
  std::int64_t stalled_since_ms_ = -1;  // output waits and the peer takes nothing
};

}  // namespace logcask
