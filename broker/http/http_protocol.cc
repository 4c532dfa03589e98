#include "broker/http/http_protocol.h"

#include <cstdio>
#include <utility>

#include "broker/http/http_guard.h"
#include "broker/http/resources/resources.h"
#include "broker/log.h"

namespace logcask {
namespace {

// Above this a body is queued as it is instead of being copied behind its head.
constexpr std::size_t kCopiedBodyBytesMax = 8u << 10;
// What a stream may be ahead of its peer, in bytes of batches, which take more as events.
constexpr std::size_t kStreamAheadBytes = 64u << 10;
// Proxies take a connection that is silent for longer for a dead one.
constexpr std::int64_t kTickMs = 1000;
constexpr int kHeartbeatTicks = 15;
constexpr std::uint64_t kTheStream = 0;  // a connection has one at a time

}  // namespace

HttpProtocol::HttpProtocol(const HttpServices& services, EventLoop& loop, TopicView& topics,
                           const std::string& peer_address, ProtocolHost& host)
    : services_(services),
      loop_(loop),
      topics_(topics),
      identity_(peer_address),
      host_(&host),
      output_(services.memory.answers),
      reader_(services.limits.frame_bytes),
      lending_(output_, kStreamAheadBytes, services.memory, [this](std::uint64_t, std::uint64_t bytes) {
        if (open_) open_->add_credit(bytes);
      }) {
  // There is no authentication: everybody is anonymous.
  identity_.settle();
}

bool HttpProtocol::wants_input() const {
  if (finished_ || !host_ || busy_) return false;
  // Who has closed his side still gets what he has asked for: he is not read, and so not found gone, before.
  return output_.empty();
}

std::size_t HttpProtocol::consume(ByteView bytes) {
  const std::size_t before = bytes.size();
  consuming_ = true;
  while (wants_input() && !bytes.empty()) {
    // Some send an empty line behind a body.
    while (!reader_.within_request() && bytes.starts_with("\r\n")) bytes.remove_prefix(2);
    if (bytes.empty()) break;
    HttpRequest request;
    const auto used = reader_.read(bytes, request);
    if (!used.ok()) {
      const bool head_too_large = used.code() == Errc::limit_exceeded;
      if (head_too_large)
        end(431, Error{Errc::frame_too_large, used.error().message});
      else
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
  // It stays in memory until the disk has it.
  if (request.body.size() > WireMemory::kSmallFrameBytes && !try_hold(request.body.size()))
    return call.refuse(Error{Errc::limit_exceeded,
                             "other requests take all the memory there is for them "
                             "(requests.inflight.max.bytes); try again later"});
  execute_http(std::move(call), std::move(request));
}

bool HttpProtocol::try_hold(std::size_t bytes) {
  if (memory_) return memory_.grow(bytes);
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

void HttpProtocol::begin_events(bool chunked, bool keep_alive) {
  if (!host_) return;
  streaming_ = true;
  chunked_ = chunked;
  close_after_ = !chunked || !keep_alive;
  HttpAnswer head;
  head.content_type = "text/event-stream";
  std::string& out = output_.small();
  append_stream_head(out, head, chunked, !close_after_);
  output_.appended();
  lending_.open(kTheStream, kStreamCredit, first_loan());
  tick();
  notify();
}

void HttpProtocol::tick() {
  tick_ = loop_.call_after(kTickMs, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self || !self->streaming_) return;
    self->tick_ = 0;
    // Nothing was lent while memory was short for all, and nobody says when that has passed.
    self->lending_.output_taken();
    if (++self->quiet_ticks_ >= kHeartbeatTicks && self->output_.empty()) self->send_events(": still there\n\n", 0);
    if (const auto task = self->tasks_.tick; task && self->streaming_) task();
    if (self->streaming_) self->tick();
  });
}

void HttpProtocol::send_events(const std::string& events, std::size_t credited_bytes) {
  if (!host_ || !streaming_ || events.empty()) return;
  lending_.sent(kTheStream, credited_bytes);
  quiet_ticks_ = 0;
  if (!services_.memory.room_for_answer(events.size())) return evict();
  char size[20];
  std::snprintf(size, sizeof size, "%zx\r\n", events.size());
  std::string& out = output_.small();
  if (chunked_) out.append(size);
  out.append(events);
  if (chunked_) out.append("\r\n");
  output_.appended();
  notify();
}

void HttpProtocol::end_events() {
  if (!std::exchange(busy_, false)) return;
  const auto ended = std::move(open_);  // outlives this call, which it may have made
  memory_ = {};
  lending_.all_closed();
  if (tick_) loop_.cancel(std::exchange(tick_, 0));
  const StreamTasks tasks = std::exchange(tasks_, {});  // one of them may have made this call
  const bool streamed = std::exchange(streaming_, false);
  if (!host_) return;
  if (close_after_) finished_ = true;
  if (chunked_ && streamed) {
    output_.small().append("0\r\n\r\n");
    output_.appended();
  }
  notify();
  if (!consuming_ && wants_input()) host_->input_wanted();
}

// A stream cannot have a hole.
void HttpProtocol::evict() {
  output_.clear();
  finished_ = evicted_ = true;
  notify();
}

void HttpProtocol::output_taken() {
  if (!streaming_ || finished_) return;
  if (const auto task = tasks_.output_taken) task();
  if (streaming_) lending_.output_taken();
}

void HttpProtocol::notify() {
  if (host_ && !consuming_) host_->output_ready();
}

// Said only where no other answer is owed before it.
void HttpProtocol::fail(const Error& error) {
  end(error.code == Errc::timed_out ? 408 : http_status(error.code), error);
}

void HttpProtocol::end(int status, const Error& error) {
  if (finished_) return;
  log_peer(PeerEvent::protocol_error, "HTTP connection from " + identity_.address() + " ends: " + error.message);
  const auto self = shared_from_this();
  finished_ = true;
  if (busy_) {
    if (const auto open = open_) open->cancel(error);
  } else if (host_) {
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
  // A replay that has come to its end, and whose last events nobody takes any more.
  if (streaming_) end_events();
  output_.clear();
}

HttpCall::~HttpCall() {
  if (protocol_ && owed_) answer(error_answer(Error{Errc::cancelled, "the request has been given up"}));
}

void HttpCall::answer(HttpAnswer answer) {
  if (std::exchange(owed_, false)) protocol_->answered(std::move(answer), keep_alive_, head_only_);
}

}  // namespace logcask
