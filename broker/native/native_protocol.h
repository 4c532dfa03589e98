#pragma once
// The native protocol's side of one connection (docs/PROTOCOL.md).
//
// Requests are executed as their frames arrive, in order; answers that take longer overtake or are overtaken. Lives on,
// detached, while a partition still owes an answer. A peer that breaks the protocol gets one error frame with
// correlation id 0, then the end.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "broker/native/native_services.h"
#include "broker/net/input_gate.h"
#include "broker/net/lending.h"
#include "broker/net/out_queue.h"
#include "broker/net/peer_identity.h"
#include "broker/net/protocol.h"
#include "proto/frame.h"

namespace logcask {

namespace v1 {
class RequestHeader;
class ResponseHeader;
}  // namespace v1

class NativeProtocol final : public Protocol, private CallMemory, public std::enable_shared_from_this<NativeProtocol> {
 public:
  // `topics` is the view of the loop's thread.
  NativeProtocol(const NativeServices& services, EventLoop& loop, TopicView& topics, const std::string& peer_address,
                 ProtocolHost& host);

  // ---- for the session
  std::size_t consume(ByteView bytes) override;
  std::size_t needed_bytes() const override { return needed_bytes_; }
  bool wants_input() const override;
  bool finished() const override { return finished_; }
  bool quiet() const override { return open_.empty() && unanswered_ == 0; }
  std::string_view awaited() const override { return said_hello() ? std::string_view() : "Hello"; }
  OutQueue& output() override { return output_; }
  void output_taken() override;
  bool evicted() const override { return evicted_; }
  void fail(const Error& error) override { fail(error, 0); }
  void shut(const Error& reason) override;
  void detach(const Error& reason) override;

  // ---- for the requests
  const NativeServices& services() const { return services_; }
  EventLoop& loop() { return loop_; }
  CallContext context() { return {principal(), loop_, topics_, this}; }
  const Principal& principal() const { return identity_.principal(); }
  // There is no authentication: whoever has said Hello is settled as anonymous.
  void hello_done(std::string client_name);
  // As Hello said, at most 255 bytes of it.
  const std::string& client_name() const { return client_name_; }

  void send(const v1::ResponseHeader& header, ByteView attachment = {});
  void send(const v1::ResponseHeader& header, std::string attachment);
  struct Piece {
    ByteView bytes;
    std::shared_ptr<const void> owner;
  };
  void send(const v1::ResponseHeader& header, std::vector<Piece> pieces);
  void send_error(std::uint64_t correlation_id, const Error& error);
  // The last answer of a stream; an ok status ends it without an error.
  void end_stream(std::uint64_t correlation_id, const Status& status);

  // Open calls: cancellable, hold up the idle deadline, end with the connection.
  void open(std::uint64_t correlation_id, std::shared_ptr<OpenCall> call);
  // A stream with credit, which the service is lent in parts (lending.h). `lent` is first_loan() of the client's
  // credit.
  void open_stream(std::uint64_t correlation_id, std::shared_ptr<OpenCall> call, std::uint64_t client_credit,
                   std::uint64_t lent);
  std::uint64_t first_loan(std::uint64_t client_credit) const { return lending_.first_loan(client_credit); }
  void add_credit(std::uint64_t correlation_id, std::uint64_t bytes) { lending_.add_credit(correlation_id, bytes); }
  void closed(std::uint64_t correlation_id);
  std::shared_ptr<OpenCall> find_open(std::uint64_t correlation_id) const;
  std::size_t open_calls() const { return open_.size(); }

  // A partition asks its producers to slow down: stop reading for a moment.
  void slow_down();
  // No further frame is executed until as many calls of release_input().
  void hold_input() { input_.hold(); }
  void release_input();

 private:
  // The error is the answer to that request; 0 where none can be told.
  void fail(const Error& error, std::uint64_t correlation_id);
  friend class Unanswered;
  struct Open {
    std::shared_ptr<OpenCall> call;
    MemoryShare::Lease memory;  // of the request
  };
  bool said_hello() const { return identity_.settled(); }
  // The next frame is executed after the large answers that wait already, and what is ready between them.
  void wait_for_turn();
  // False when it is put off. `last`: no further frame has arrived.
  bool execute(const FrameView& frame, bool last);
  bool waits_for_nothing_else() const;
  bool hold_memory(const v1::RequestHeader& header, std::size_t frame_bytes);
  bool try_hold(std::size_t bytes) override;
  bool room_to_send(std::uint64_t correlation_id, std::size_t attachment_bytes);
  void pause_input(std::int64_t ms);
  void notify();
  void input_may_be_wanted();
  void cancel_all(const Error& reason);

  const NativeServices& services_;
  EventLoop& loop_;
  TopicView& topics_;
  PeerIdentity identity_;
  std::string client_name_;
  ProtocolHost* host_;  // null once detached
  OutQueue output_;
  std::unordered_map<std::uint64_t, Open> open_;
  Lending lending_;
  MemoryShare::Lease held_;  // for the call that is about to open
  InputGate input_;
  std::size_t unanswered_ = 0;
  std::size_t inflight_bytes_ = 0;
  std::size_t needed_bytes_ = kFramePrefixBytes;
  bool finished_ = false;
  bool consuming_ = false;
  bool has_turn_ = false;  // among those with large answers
  bool evicted_ = false;
};

// A request that is being worked on: counts against the connection's limits while it lives. Made and destroyed on
// the loop.
class Unanswered {
 public:
  Unanswered(NativeProtocol& protocol, std::uint64_t correlation_id, std::size_t request_bytes);
  ~Unanswered();
  Unanswered(const Unanswered&) = delete;
  Unanswered& operator=(const Unanswered&) = delete;

  NativeProtocol& protocol() const { return *protocol_; }
  std::uint64_t correlation_id() const { return correlation_id_; }

 private:
  const std::shared_ptr<NativeProtocol> protocol_;
  const std::uint64_t correlation_id_;
  const std::size_t bytes_;
};

}  // namespace logcask
