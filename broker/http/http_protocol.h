#pragma once
// HTTP/1.1's side of one connection (docs/HTTP.md).
//
// One request at a time: what a client sends behind it (pipelining) waits until the answer has left. Lives on,
// detached, while a request is still being worked on.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "broker/http/http_answer.h"
#include "broker/http/http_services.h"
#include "broker/http/request_reader.h"
#include "broker/net/lending.h"
#include "broker/net/out_queue.h"
#include "broker/net/peer_identity.h"
#include "broker/net/protocol.h"

namespace logcask {

class HttpCall;

class HttpProtocol final : public Protocol, private CallMemory, public std::enable_shared_from_this<HttpProtocol> {
 public:
  // `topics` is the view of the loop's thread.
  HttpProtocol(const HttpServices& services, EventLoop& loop, TopicView& topics, const std::string& peer_address,
               ProtocolHost& host);

  // ---- for the session
  std::size_t consume(ByteView bytes) override;
  std::size_t needed_bytes() const override { return reader_.needed_bytes(); }
  bool wants_input() const override;
  bool finished() const override { return finished_; }
  bool quiet() const override { return !busy_; }
  std::string_view awaited() const override {
    return asked_ || reader_.within_request() ? std::string_view() : "request";
  }
  OutQueue& output() override { return output_; }
  void output_taken() override;
  bool evicted() const override { return evicted_; }
  void fail(const Error& error) override;
  void shut(const Error& reason) override;
  void detach(const Error& reason) override;

  // ---- for the requests
  const HttpServices& services() const { return services_; }
  EventLoop& loop() { return loop_; }
  CallContext context() { return {identity_.principal(), loop_, topics_, this}; }
  TopicView& topics() { return topics_; }
  // The request that is worked on waits: `call` ends with the connection.
  void opened(std::shared_ptr<OpenCall> call) {
    if (busy_) open_ = std::move(call);
  }
  std::shared_ptr<OpenCall> take_open() { return std::exchange(open_, nullptr); }
  // Credit for a stream of events that is about to begin; more of it follows as the peer takes what was sent.
  std::uint64_t first_loan() const { return lending_.first_loan(kStreamCredit); }
  // Room for more events now.
  bool room_for_events() const { return host_ && output_.bytes() < kEventsWaitingBytes; }

 private:
  friend class HttpCall;
  friend class EventStream;
  // The credit is lent piecemeal anyway, so that no stream ever needs more.
  static constexpr std::uint64_t kStreamCredit = std::uint64_t{1} << 60;
  static constexpr std::size_t kEventsWaitingBytes = 256u << 10;
  // What a stream is asked on the connection's loop, until it ends.
  struct StreamTasks {
    std::function<void()> output_taken;  // the peer has taken something
    std::function<void()> tick;          // every second
  };
  void begin_events(bool chunked, bool keep_alive);
  void send_events(const std::string& events, std::size_t credited_bytes);
  void end_events();
  void tick();
  void evict();
  bool try_hold(std::size_t bytes) override;
  void execute(HttpRequest request);
  void answered(HttpAnswer answer, bool keep_alive, bool head_only);
  void end(int status, const Error& error);
  void notify();

  const HttpServices& services_;
  EventLoop& loop_;
  TopicView& topics_;
  PeerIdentity identity_;
  ProtocolHost* host_;  // null once detached
  OutQueue output_;
  RequestReader reader_;
  std::shared_ptr<OpenCall> open_;  // of the request that is worked on
  MemoryShare::Lease memory_;       // of that
  Lending lending_;                 // to a stream of events
  bool streaming_ = false;
  bool chunked_ = false;      // the stream is
  bool close_after_ = false;  // the stream
  StreamTasks tasks_;
  EventLoop::TimerId tick_ = 0;
  int quiet_ticks_ = 0;
  bool evicted_ = false;
  bool busy_ = false;
  bool asked_ = false;  // a request has come
  bool finished_ = false;
  bool consuming_ = false;
};

// A request being worked on: whoever holds it owes the answer, and gives it once, on the loop. Destroyed unanswered, it
// answers that something is wrong here.
class HttpCall {
 public:
  HttpCall(HttpProtocol& protocol, const HttpRequest& request)
      : protocol_(protocol.shared_from_this()),
        keep_alive_(request.keep_alive),
        head_only_(request.method == HttpMethod::head),
        http_1_0_(request.http_1_0) {}
  HttpCall(HttpCall&&) = default;
  HttpCall& operator=(HttpCall&&) = delete;
  ~HttpCall();

  HttpProtocol& protocol() const { return *protocol_; }
  const HttpServices& services() const { return protocol_->services(); }
  void answer(HttpAnswer answer);
  void refuse(const Error& error) { answer(error_answer(error)); }

 private:
  friend class EventStream;
  std::shared_ptr<HttpProtocol> protocol_;  // null once moved from
  bool keep_alive_;
  bool head_only_;
  bool http_1_0_;
  bool owed_ = true;
};

}  // namespace logcask
