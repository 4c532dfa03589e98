#pragma once
// One function per request kind, each in a file of its own: decode, call a service, encode the answer.
//
// All run on the connection's loop. What blocks goes through in_background().

#include <google/protobuf/arena.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "broker/native/native_protocol.h"
#include "broker/net/in_background.h"
#include "proto/lookup_codec.h"

namespace logcask {

// A message in an arena whose first block lies on the stack: small requests and answers cost no allocation.
template <class Message>
class ArenaMessage {
 public:
  ArenaMessage() : arena_(options()), message_(google::protobuf::Arena::CreateMessage<Message>(&arena_)) {}
  Message& operator*() { return *message_; }
  Message* operator->() { return message_; }

 private:
  google::protobuf::ArenaOptions options() {
    google::protobuf::ArenaOptions options;
    options.initial_block = block_;
    options.initial_block_size = sizeof block_;
    return options;
  }
  alignas(16) char block_[1536];
  google::protobuf::Arena arena_;
  Message* const message_;
};

// A request being executed. The attachment's bytes are good until the handler returns.
struct NativeRequest {
  NativeProtocol& protocol;
  std::uint64_t correlation_id;
  const v1::RequestHeader& header;
  ByteView attachment;
  std::size_t frame_bytes;

  const NativeServices& services() const { return protocol.services(); }
  void refuse(const Error& error) const { protocol.send_error(correlation_id, error); }
};

void execute_request(const NativeRequest& request);

void handle_hello(const NativeRequest& request);
void handle_metadata(const NativeRequest& request);
void handle_create_topic(const NativeRequest& request);
void handle_alter_topic(const NativeRequest& request);
void handle_create_partitions(const NativeRequest& request);
void handle_delete_topic(const NativeRequest& request);
void handle_describe_topic(const NativeRequest& request);
void handle_produce(const NativeRequest& request);
void handle_fetch(const NativeRequest& request);
void handle_list_offsets(const NativeRequest& request);
void handle_get(const NativeRequest& request);
void handle_watch(const NativeRequest& request);
void handle_replay(const NativeRequest& request);
void handle_backup(const NativeRequest& request);
void handle_init_producer_id(const NativeRequest& request);
void handle_commit_offsets(const NativeRequest& request);
void handle_fetch_offsets(const NativeRequest& request);
void handle_list_groups(const NativeRequest& request);
void handle_delete_records(const NativeRequest& request);
void handle_compact(const NativeRequest& request);
void handle_segments(const NativeRequest& request);
void handle_reopen(const NativeRequest& request);
void handle_describe_broker(const NativeRequest& request);
void handle_cancel(const NativeRequest& request);
void handle_credit(const NativeRequest& request);
void handle_join_group(const NativeRequest& request);
void handle_sync_group(const NativeRequest& request);
void handle_heartbeat(const NativeRequest& request);
void handle_leave_group(const NativeRequest& request);

// False when the connection has as many streams as it may; the request has then been refused.
bool may_open_stream(const NativeRequest& request);

// Runs `work()` where it may block, then `answer(connection, correlation_id, result)` on the loop.
template <class Work, class Answer>
void in_background(const NativeRequest& request, Work work, Answer answer) {
  run_in_background(request.services().blocking, request.protocol.loop(),
                    std::make_unique<Unanswered>(request.protocol, request.correlation_id, request.frame_bytes),
                    std::move(work), [answer = std::move(answer)](const auto& owed, auto&& result) {
                      answer(owed->protocol(), owed->correlation_id(), std::forward<decltype(result)>(result));
                    });
}

}  // namespace logcask
