#pragma once
// One connection: reads what has arrived, has it executed, writes all answers with one call, keeps the deadlines. What
// is said is its Protocol's business, how bytes travel its Transport's.
//
// Belongs to one I/O thread. Kept alive by its pending reads and waits and its timer; when closed it tells its owner
// once. It reads only while the protocol wants input, so a peer that does not read its answers is not read either,
// and is closed when it takes nothing for write_timeout_ms. A frame that does not fit the usual buffer is read on only
// with a lease of its size (wire_memory.h); frames wait for leases in the order they came, for frame_timeout_ms at
// most.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "broker/net/in_buffer.h"
#include "broker/net/net_parts.h"
#include "broker/net/protocol.h"
#include "broker/net/transport.h"
#include "broker/threads/io_thread.h"

namespace logcask {

class Session final : public ProtocolHost, public TransportUser, public std::enable_shared_from_this<Session> {
 public:
  // Where a session lives.
  struct Home {
    IoThread& thread;
    std::size_t number = 0;  // among the I/O threads
  };

  Session(std::unique_ptr<Transport> transport, Home home, const ProtocolFactory& factory, const NetParts& parts,
          const std::string& peer_address, std::function<void(Session*)> on_close);
  ~Session() override;

  // All on the I/O thread.
  void start();
  // Ends open calls and takes no more requests; closes when what is being worked on has been answered.
  void shut(const Error& reason);
  void close(const Error& reason);

  IoThread& thread() { return thread_; }
  std::size_t number() const { return number_; }

  void output_ready() override;
  void input_wanted() override;
  SocketAddress local_address() const override { return transport_->local_address(); }
  BlockingTurns::Offer offer_turn() override { return {turns_, number_}; }
  void received(const Result<std::size_t>& bytes) override;
  void writable(const Status& status) override;

 private:
  void read();
  bool have_room();
  std::size_t usual_buffer() const { return busy_ ? InBuffer::kBusyBytes : InBuffer::kFirstBytes; }
  void calm_down(std::int64_t now_ms);
  void execute();
  void flush();
  Result<std::size_t> write_some(OutQueue& out);
  void close_if_done();
  void tick();
  Status overdue(std::int64_t now_ms) const;
  std::int64_t now_ms() const { return thread_.clock().monotonic_ns() / 1'000'000; }

  const std::unique_ptr<Transport> transport_;
  IoThread& thread_;
  const std::size_t number_;  // of the thread
  const ConnectionLimits& limits_;
  Metrics& metrics_;
  WireMemory& memory_;
  BlockingTurns& turns_;
  std::function<void(Session*)> on_close_;  // emptied once called
  const std::shared_ptr<Protocol> protocol_;
  InBuffer in_;
  MemoryShare::Lease busy_;      // for a buffer that follows the traffic
  MemoryShare::Lease frame_;     // for a frame that is larger than that
  MemoryShare* line_ = nullptr;  // where the frame waits for its lease
  std::uint64_t place_ = 0;
  std::int64_t waiting_since_ms_ = 0;
  bool parked_ = false;  // the protocol wanted no input when it was asked last
  bool reading_ = false;
  bool executing_ = false;
  bool flush_posted_ = false;
  bool execute_posted_ = false;
  bool writing_ = false;  // waiting for the peer to take more
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
