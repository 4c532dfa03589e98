#include "broker/http/event_stream.h"

#include <utility>

namespace logcask {

std::string error_data(const Error& error) {
  std::string body = error_answer(error).body;
  body.pop_back();
  return body;
}

void EventStream::begin() {
  if (std::exchange(begun_, true)) return;
  call_.owed_ = false;
  call_.protocol_->begin_events(!call_.http_1_0_, call_.keep_alive_);
}

void EventStream::add(std::string_view name, std::string_view id, std::string_view data) {
  if (!name.empty()) events_.append("event: ").append(name).append("\n");
  if (!id.empty()) events_.append("id: ").append(id).append("\n");
  if (!data.empty()) events_.append("data: ").append(data).append("\n");
  events_ += '\n';
}

void EventStream::flush(std::size_t credited_bytes) {
  begin();
  call_.protocol_->send_events(std::exchange(events_, {}), credited_bytes);
}

void EventStream::end(const Status& status) {
  if (!status.ok()) add("error", {}, error_data(status.error()));
  flush(0);
  call_.protocol_->end_events();
}

}  // namespace logcask
