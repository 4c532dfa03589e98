#include "broker/native/connection.h"

#include <algorithm>
#include <utility>

#include "broker/native/requests/requests.h"
#include "logcask/v1/native.pb.h"

namespace logcask {
namespace {

// Above this an attachment is queued as it is instead of being copied behind its header.
constexpr std::size_t kCopyBytesMax = 8u << 10;
constexpr std::int64_t kSlowDownMs = 10;

}  // namespace

Connection::Connection(const NativeServices& services, EventLoop& loop, TopicView& topics, Principal principal,
                       ConnectionHost& host)
    : services_(services), loop_(loop), topics_(topics), principal_(std::move(principal)), host_(&host) {}

bool Connection::wants_input() const {
  const ConnectionLimits& limits = services_.limits;
  return !finished_ && host_ && !slowed_ && inflight_bytes_ < limits.inflight_bytes &&
         output_.bytes() < limits.output_bytes && unanswered_ < limits.unanswered;
}

std::size_t Connection::consume(ByteView bytes) {
  const std::size_t before = bytes.size();
  consuming_ = true;
  while (wants_input()) {
    FrameLimits limits;
    limits.max_frame_bytes = said_hello_ ? services_.limits.frame_bytes : services_.limits.hello_frame_bytes;
    auto frame = next_frame(bytes, limits, &needed_bytes_);
    if (!frame.ok()) {
      fail(frame.error());
      break;
    }
    if (!*frame) break;
    execute(**frame);
    bytes.remove_prefix((*frame)->total_bytes);
    needed_bytes_ = kFramePrefixBytes;
  }
  consuming_ = false;
  return before - bytes.size();
}

void Connection::execute(const FrameView& frame) {
  ArenaMessage<v1::RequestHeader> header;
  if (!header->ParseFromArray(frame.header.data(), static_cast<int>(frame.header.size())))
    return fail(Error{Errc::malformed_frame, "the header is not a RequestHeader"});
  if (!said_hello_ && header->body_case() != v1::RequestHeader::kHello)
    return fail(Error{Errc::malformed_frame, "the first request of a connection must be Hello"});
  if (open_.contains(header->correlation_id()))
    return fail(Error{Errc::malformed_frame, "correlation id " + std::to_string(header->correlation_id()) +
                                                 " belongs to a request that is still open"});
  execute_request({*this, header->correlation_id(), *header, frame.attachment, frame.total_bytes});
}

void Connection::notify() {
  if (host_ && !consuming_) host_->output_ready();
}

void Connection::input_may_be_wanted() {
  if (host_ && !consuming_ && wants_input()) host_->input_wanted();
}

void Connection::send(const v1::ResponseHeader& header, ByteView attachment) {
  if (!host_) return;
  if (attachment.size() > kCopyBytesMax) return send(header, std::string(attachment));
  std::string& out = output_.small();
  append_frame_head(out, header, attachment.size());
  out.append(attachment);
  output_.appended();
  notify();
}

void Connection::send(const v1::ResponseHeader& header, std::string attachment) {
  if (!host_) return;
  if (attachment.size() <= kCopyBytesMax) return send(header, ByteView(attachment));
  append_frame_head(output_.small(), header, attachment.size());
  output_.appended();
  output_.add(std::move(attachment));
  notify();
}

void Connection::send(const v1::ResponseHeader& header, std::vector<Piece> pieces) {
  if (!host_) return;
  std::size_t bytes = 0;
  for (const Piece& piece : pieces) bytes += piece.bytes.size();
  append_frame_head(output_.small(), header, bytes);
  output_.appended();
  for (Piece& piece : pieces) {
    if (piece.bytes.size() <= kCopyBytesMax) {
      output_.small().append(piece.bytes);
      output_.appended();
    } else {
      output_.add(piece.bytes, std::move(piece.owner));
    }
  }
  notify();
}

void Connection::send_error(std::uint64_t correlation_id, const Error& error) {
  v1::ResponseHeader header;
  header.set_correlation_id(correlation_id);
  header.set_error_code(static_cast<int>(error.code));
  header.set_error_message(error.message);
  send(header);
}

void Connection::end_stream(std::uint64_t correlation_id, const Status& status) {
  v1::ResponseHeader header;
  header.set_correlation_id(correlation_id);
  header.set_end(true);
  if (!status.ok()) {
    header.set_error_code(static_cast<int>(status.code()));
    header.set_error_message(status.error().message);
  }
  send(header);
  closed(correlation_id);
}

void Connection::fail(const Error& error) {
  if (finished_) return;
  send_error(0, error);
  finished_ = true;
}

void Connection::open(std::uint64_t correlation_id, std::shared_ptr<OpenCall> call) {
  open_.emplace(correlation_id, std::move(call));
}

void Connection::closed(std::uint64_t correlation_id) { open_.erase(correlation_id); }

std::shared_ptr<OpenCall> Connection::find_open(std::uint64_t correlation_id) const {
  const auto found = open_.find(correlation_id);
  return found == open_.end() ? nullptr : found->second;
}

void Connection::cancel_all(const Error& reason) {
  const auto calls = std::exchange(open_, {});
  for (const auto& [correlation_id, call] : calls) call->cancel(reason);
}

void Connection::detach(const Error& reason) {
  host_ = nullptr;
  finished_ = true;
  cancel_all(reason);
  output_.clear();
}

void Connection::shut(const Error& reason) {
  cancel_all(reason);
  fail(reason);
}

void Connection::slow_down() {
  if (std::exchange(slowed_, true)) return;
  loop_.call_after(kSlowDownMs, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->slowed_ = false;
    self->input_may_be_wanted();
  });
}

Unanswered::Unanswered(Connection& connection, std::uint64_t correlation_id, std::size_t request_bytes)
    : connection_(connection.shared_from_this()), correlation_id_(correlation_id), bytes_(request_bytes) {
  ++connection_->unanswered_;
  connection_->inflight_bytes_ += bytes_;
}

Unanswered::~Unanswered() {
  --connection_->unanswered_;
  connection_->inflight_bytes_ -= bytes_;
  connection_->input_may_be_wanted();
}

}  // namespace logcask
