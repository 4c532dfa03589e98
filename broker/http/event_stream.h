#pragma once
// An answer that does not end: server-sent events, each with a resume token as its id (the HTML standard, "Server-sent
// events").
//
// Begins with the first event, or with begin(); until then it may be refused instead. Held by the sink of the stream's
// service, on the connection's loop. A comment every 15 s says that the connection stands.

#include <functional>
#include <string>
#include <string_view>

#include "broker/http/http_protocol.h"

namespace logcask {

class EventStream {
 public:
  explicit EventStream(HttpCall call) : call_(std::move(call)) {}

  HttpProtocol& protocol() const { return call_.protocol(); }
  const HttpServices& services() const { return call_.services(); }
  void refuse(const Error& error) { call_.refuse(error); }

  // Called on the loop until the stream ends.
  void on_output_taken(std::function<void()> task) { protocol().tasks_.output_taken = std::move(task); }
  void on_tick(std::function<void()> task) { protocol().tasks_.tick = std::move(task); }
  // The head of the answer, once.
  void begin();
  // Adds an event to those that leave with the next flush(). Any part may be empty; `data` is one line.
  void add(std::string_view name, std::string_view id, std::string_view data);
  std::size_t waiting_bytes() const { return events_.size(); }
  // `credited_bytes`: what the service takes them for.
  void flush(std::size_t credited_bytes);
  // Says why, then ends the answer.
  void end(const Status& status);

 private:
  HttpCall call_;
  std::string events_;
  bool begun_ = false;
};

// The data of an event that tells of an error.
std::string error_data(const Error& error);

}  // namespace logcask
