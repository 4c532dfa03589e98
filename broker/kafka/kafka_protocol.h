#pragma once
// The Kafka protocol's side of one connection (docs/KAFKA.md).
//
// Requests are executed as their frames arrive, several at a time; their answers leave in the order of the requests,
// however late one of them is, for Kafka's clients pair them by order. Lives on, detached, while a request is still
// being worked on. Kafka's wire has no way to say what is wrong with a frame: who breaks the protocol is cut off, and
// the log says why.

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "broker/kafka/kafka_services.h"
#include "broker/net/input_gate.h"
#include "broker/net/out_queue.h"
#include "broker/net/peer_identity.h"
#include "broker/net/protocol.h"
#include "proto/kafka/frame.h"

namespace logcask {

class KafkaCall;

class KafkaProtocol final : public Protocol, public std::enable_shared_from_this<KafkaProtocol> {
 public:
  // `topics` is the view of the loop's thread.
  KafkaProtocol(const KafkaServices& services, EventLoop& loop, TopicView& topics, const std::string& peer_address,
                ProtocolHost& host);

  // ---- for the session
  std::size_t consume(ByteView bytes) override;
  std::size_t needed_bytes() const override { return needed_bytes_; }
  bool wants_input() const override;
  bool finished() const override { return finished_; }
  bool quiet() const override { return slots_.empty(); }
  std::string_view awaited() const override { return asked_ ? std::string_view() : "request"; }
  OutQueue& output() override { return output_; }
  void output_taken() override {}
  bool evicted() const override { return evicted_; }
  void fail(const Error& error) override;
  void shut(const Error& reason) override;
  void detach(const Error& reason) override;

  // ---- for the requests
  const KafkaServices& services() const { return services_; }
  EventLoop& loop() { return loop_; }
  CallContext context() { return {principal(), loop_, topics_, nullptr}; }
  const Principal& principal() const { return identity_.principal(); }
  TopicView& topics() { return topics_; }
  // Where a client that has come this way finds the broker.
  SocketAddress reachable_at() const;
  // Keeps room for a request that may wait, with as many partitions. False when there is none: answer it at once.
  bool try_hold_open(std::uint64_t number, std::size_t partitions);
  void slow_down();
  void hold_input() { input_.hold(); }
  void release_input();

 private:
  friend class KafkaCall;
  // A request's place in the order of answers.
  struct Slot {
    std::size_t request_bytes = 0;
    bool ready = false;
    bool waited = false;             // for its turn
    kafka::Written answer;           // empty: none is sent
    std::shared_ptr<OpenCall> open;  // while it waits
    MemoryShare::Lease memory;       // of the open call, then of an answer that waits for its turn
  };
  void execute(ByteView frame);
  Slot* find(std::uint64_t number);
  void answered(std::uint64_t number, kafka::Written answer);
  void send_ready();
  void send(kafka::Written& answer);
  void evict();
  void cancel_open(const Error& reason);
  void notify();
  void input_may_be_wanted();

  const KafkaServices& services_;
  EventLoop& loop_;
  TopicView& topics_;
  PeerIdentity identity_;
  ProtocolHost* host_;  // null once detached
  OutQueue output_;
  InputGate input_;
  std::deque<Slot> slots_;  // in the order of their requests, numbered up to next_number_
  std::uint64_t next_number_ = 0;
  std::size_t inflight_bytes_ = 0;
  std::size_t waiting_bytes_ = 0;  // of answers whose turn has not come
  std::size_t needed_bytes_ = kafka::kLengthBytes;
  bool asked_ = false;  // a request has come
  bool finished_ = false;
  bool consuming_ = false;
  bool evicted_ = false;
};

// A request being worked on: whoever holds it owes the answer, and gives it once, on the loop. Destroyed unanswered
// (a broker that stops), it ends the connection, since later answers must not take its place.
class KafkaCall {
 public:
  KafkaCall(KafkaProtocol& protocol, std::uint64_t number, const kafka::RequestHead& head);
  KafkaCall(KafkaCall&&) = default;
  KafkaCall& operator=(KafkaCall&&) = delete;
  ~KafkaCall();

  KafkaProtocol& protocol() const { return *protocol_; }
  const KafkaServices& services() const { return protocol_->services(); }
  std::int16_t version() const { return version_; }
  // Good until the handler returns.
  std::string_view client_id() const { return client_id_; }

  template <class Message>
  void answer(const Message& message) {
    auto written = kafka::write_response(*api_, version_, correlation_id_, message);
    if (!written.ok()) return protocol_->fail(written.error());
    deliver(std::move(written).value());
  }
  // As a producer asks with acks 0.
  void answer_nothing() { deliver({}); }
  // Whether it may wait; names as many partitions.
  bool may_wait(std::size_t partitions) const { return protocol_->try_hold_open(number_, partitions); }
  // It waits: ends with the connection.
  void open(std::shared_ptr<OpenCall> call);

 private:
  void deliver(kafka::Written answer);

  std::shared_ptr<KafkaProtocol> protocol_;  // null once moved from
  std::uint64_t number_;
  const kafka::Api* api_;
  std::int16_t version_;
  std::int32_t correlation_id_;
  std::string_view client_id_;
  bool owed_ = true;
};

}  // namespace logcask
