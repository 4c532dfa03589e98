#include "broker/http/http_protocol.h"

#include <utility>

#include "broker/http/http_guard.h"
#include "broker/http/resources/resources.h"
#include "broker/log.h"

namespace logcask {
namespace {

// Above this a body is queued as it is instead of being copied behind its head.
constexpr std::size_t kCopiedBodyBytesMax = 8u << 10;

}  // namespace

HttpProtocol::HttpProtocol(const HttpServices& services, EventLoop& loop, TopicView& topics,
                           const std::string& peer_address, ProtocolHost& host)
    : services_(services),
      loop_(loop),
      topics_(topics),
      identity_(peer_address),
      host_(&host),
      output_(services.memory.answers),
      reader_(services.limits.frame_bytes) {
  // There is no authentication: everybody is anonymous.
  identity_.settle();
}

bool HttpProtocol::wants_input() const {
  if (finished_ || !host_ || busy_) return false;
  return output_.empty() || (output_.bytes() < services_.limits.output_bytes && !services_.memory.answers_short());
}

std::size_t HttpProtocol::consume(ByteView bytes) {
  const std::size_t before = bytes.size();
  consuming_ = true;
  while (wants_input() && !bytes.empty()) {
    HttpRequest request;
    const auto used = reader_.read(bytes, request);
    if (!used.ok()) {
      fail(used.error());
      break;
    }
    if (*used == 0) {
      if (reader_.take_expectation()) {
        output_.small().append("HTTP/1.1 100 Continue\r\n\r\n");
        output_.appended();
      }
      break;
    }
    bytes.remove_prefix(*used);
    asked_ = true;
    execute(std::move(request));
  }
  consuming_ = false;
  return before - bytes.size();
}

void HttpProtocol::execute(HttpRequest request) {
  busy_ = true;
  HttpCall call(*this, request);
  if (auto refused = refused_by_guard(request, host_->local_address(), services_.settings))
    return call.answer(std::move(*refused));
  execute_http(std::move(call), std::move(request));
}

bool HttpProtocol::try_hold(std::size_t bytes) {
  memory_ = services_.memory.open_calls.try_take(bytes);
  return static_cast<bool>(memory_);
}

void HttpProtocol::answered(HttpAnswer answer, bool keep_alive, bool head_only) {
  if (!std::exchange(busy_, false)) return;
  const auto ended = std::move(open_);  // outlives this call, which it may have made
  memory_ = {};
  if (!host_) return;
  if (!services_.memory.room_for_answer(answer.body.size()))
    answer = error_answer(Error{Errc::limit_exceeded,
                                "answers to other clients take all the memory there is for them "
                                "(answers.waiting.max.bytes); try again later"});
  std::string& out = output_.small();
  append_head(out, answer, keep_alive && !finished_);
  const bool apart = answer.body.size() > kCopiedBodyBytesMax;
  const bool has_body = !head_only && answer.status != 304;
  if (has_body && !apart) out.append(answer.body);
  output_.appended();
  if (has_body && apart) output_.add(std::move(answer.body));
  if (!keep_alive) finished_ = true;
  notify();
  if (host_ && !consuming_ && wants_input()) host_->input_wanted();
}

void HttpProtocol::notify() {
  if (host_ && !consuming_) host_->output_ready();
}

// Said only where no other answer is owed before it.
void HttpProtocol::fail(const Error& error) {
  if (finished_) return;
  log_peer(PeerEvent::protocol_error, "HTTP connection from " + identity_.address() + " ends: " + error.message);
  const auto self = shared_from_this();
  if (const auto open = open_) open->cancel(error);
  finished_ = true;
  if (!busy_ && host_) {
    const int status = error.code == Errc::timed_out        ? 408
                       : error.code == Errc::limit_exceeded ? 431
                                                            : http_status(error.code);
    const HttpAnswer answer = error_answer(status, error);
    std::string& out = output_.small();
    append_head(out, answer, false);
    out.append(answer.body);
    output_.appended();
  }
  notify();
}

void HttpProtocol::shut(const Error& reason) {
  finished_ = true;
  const auto self = shared_from_this();
  if (const auto open = open_) open->cancel(reason);
  notify();
}

void HttpProtocol::detach(const Error& reason) {
  host_ = nullptr;
  shut(reason);
  output_.clear();
}

HttpCall::~HttpCall() {
  if (protocol_ && owed_) answer(error_answer(Error{Errc::cancelled, "the request has been given up"}));
}

void HttpCall::answer(HttpAnswer answer) {
  if (std::exchange(owed_, false)) protocol_->answered(std::move(answer), keep_alive_, head_only_);
}

}  // namespace logcask
