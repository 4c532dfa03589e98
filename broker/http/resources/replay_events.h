#pragma once
// The records of a replay as events, made no faster than the peer takes them: what has come from the service waits here
// as batches, a record at a time becomes an event.
//
// Loop thread only. Shared by the sink of the service and the stream's own tasks.

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "broker/http/event_stream.h"
#include "broker/services/replay_service.h"
#include "proto/record_batch.h"

namespace logcask {

class ReplayEvents : public std::enable_shared_from_this<ReplayEvents> {
 public:
  struct Form {
    bool base64 = false;
    bool keys_only = false;
    std::string token_prefix;  // what a token of this replay begins with: its filter's digest
  };
  ReplayEvents(std::shared_ptr<EventStream> stream, Form form) : stream_(std::move(stream)), form_(std::move(form)) {}

  EventStream& stream() { return *stream_; }
  void chunk(ReplayChunk chunk);
  // After all that has come.
  void ended(Status status);
  // Makes events while there is room for them.
  void pump();
  // Of many partitions; tokens of few stand with their events.
  void tell_token();
  // Ends it with an event that says why.
  void finish(std::string_view name, std::string_view data);

 private:
  bool make_event();
  Result<bool> next_record();
  void finish_chunk();
  void fail(const Error& error);

  const std::shared_ptr<EventStream> stream_;
  const Form form_;
  std::deque<ReplayChunk> waiting_;
  std::size_t piece_ = 0;  // of the first of them
  ByteView rest_;          // of that piece
  std::string scratch_;    // the records of the batch that is being read
  std::optional<RecordCursor> cursor_;
  std::string token_;  // of what has been sent; empty once told
  std::optional<Status> end_;
  bool posted_ = false;
  bool over_ = false;
};

}  // namespace logcask
