#include "broker/native/native_protocol.h"

#include <algorithm>
#include <utility>

#include "base/utf8.h"
#include "broker/log.h"
#include "broker/native/requests/requests.h"
#include "logcask/v1/native.pb.h"

namespace logcask {
namespace {

// Above this an attachment is queued as it is instead of being copied behind its header.
constexpr std::size_t kCopyBytesMax = 8u << 10;
// How long a request for much is put off when too many answers wait already.
constexpr std::int64_t kPutOffMs = 50;
// Answers of one connection before the others have their turn.
constexpr std::size_t kAnswerBytesPerTurn = 512u << 10;

// It is kept for as long as the connection.
constexpr std::size_t kClientNameBytesMax = 255;

// A larger batch is worth handing on: meanwhile the next one can be read.
constexpr std::size_t kBlockingBytesMax = 64u << 10;

// Requests whose answers may be large, or many. Producers, lookups of one key and commits are never among them.
bool asks_for_much(const v1::RequestHeader& header) {
  using Kind = v1::RequestHeader;
  switch (header.body_case()) {
    case Kind::kFetch:
    case Kind::kReplay:
    case Kind::kWatch:
    case Kind::kMetadata:
    case Kind::kDescribeTopic:
    case Kind::kSegments:
    case Kind::kListGroups:
    case Kind::kCompact:
      return true;
    case Kind::kGet:
      return header.get().key_count() > 1 && !header.get().keys_only();
    default:
      return false;
  }
}

bool may_stay_open(const v1::RequestHeader& header) {
  using Kind = v1::RequestHeader;
  switch (header.body_case()) {
    case Kind::kFetch:
    case Kind::kReplay:
    case Kind::kWatch:
    case Kind::kCompact:
    case Kind::kJoinGroup:
    case Kind::kSyncGroup:
      return true;
    case Kind::kGet:
      return header.get().min_offsets_size() > 0;
    default:
      return false;
  }
}

// What a call that stays open keeps for each partition or key it names, whatever little of the frame that was.
std::size_t open_entries(const v1::RequestHeader& header) {
  using Kind = v1::RequestHeader;
  switch (header.body_case()) {
    case Kind::kFetch:
      return static_cast<std::size_t>(header.fetch().partitions_size());
    case Kind::kReplay:
      return static_cast<std::size_t>(header.replay().partitions_size());
    case Kind::kWatch:
      return header.watch().key_count();
    default:
      return 0;
  }
}

}  // namespace

NativeProtocol::NativeProtocol(const NativeServices& services, EventLoop& loop, TopicView& topics,
                               const std::string& peer_address, ProtocolHost& host)
    : services_(services),
      loop_(loop),
      topics_(topics),
      identity_(peer_address),
      host_(&host),
      output_(services.memory.answers),
      // add_credit() only schedules: no stream ends in there.
      lending_(output_, services.limits.output_bytes, services.memory,
               [this](std::uint64_t correlation_id, std::uint64_t bytes) {
                 if (const auto call = find_open(correlation_id)) call->add_credit(bytes);
               }) {}

bool NativeProtocol::wants_input() const {
  const ConnectionLimits& limits = services_.limits;
  if (finished_ || !host_ || !input_.open()) return false;
  if (inflight_bytes_ >= limits.inflight_bytes || unanswered_ >= limits.unanswered) return false;
  // When memory is short, one answer at a time.
  return output_.empty() || (output_.bytes() < limits.output_bytes && !services_.memory.answers_short());
}

std::size_t NativeProtocol::consume(ByteView bytes) {
  const std::size_t before = bytes.size();
  const std::size_t answered_before = output_.bytes();
  consuming_ = true;
  while (wants_input()) {
    FrameLimits limits;
    limits.max_frame_bytes = said_hello() ? services_.limits.frame_bytes : services_.limits.hello_frame_bytes;
    auto frame = next_frame(bytes, limits, &needed_bytes_);
    if (!frame.ok()) {
      fail(frame.error());
      break;
    }
    if (!*frame) break;
    if (!execute(**frame, (*frame)->total_bytes == bytes.size())) break;
    bytes.remove_prefix((*frame)->total_bytes);
    needed_bytes_ = kFramePrefixBytes;
    if (output_.bytes() > answered_before + kAnswerBytesPerTurn) {
      wait_for_turn();
      break;
    }
  }
  consuming_ = false;
  return before - bytes.size();
}

bool NativeProtocol::execute(const FrameView& frame, bool last) {
  ArenaMessage<v1::RequestHeader> header;
  const auto broken = [this](std::string what) {
    fail(Error{Errc::malformed_frame, std::move(what)});
    return true;
  };
  if (!header->ParseFromArray(frame.header.data(), static_cast<int>(frame.header.size()))) {
    // What stands before the fault has been read: the client's call ends with the reason. Before Hello it may be
    // anything.
    fail(Error{Errc::malformed_frame, "the header is not a RequestHeader; is each of its texts UTF-8?"},
         said_hello() ? header->correlation_id() : 0);
    return true;
  }
  if (!said_hello() && header->body_case() != v1::RequestHeader::kHello)
    return broken("the first request of a connection must be Hello");
  if (open_.contains(header->correlation_id()))
    return broken("correlation id " + std::to_string(header->correlation_id()) +
                  " belongs to a request that is still open");
  if (asks_for_much(*header)) {
    if (services_.memory.answers_short()) {
      pause_input(kPutOffMs);
      return false;
    }
    if (!std::exchange(has_turn_, false) && loop_.large_waiting()) {
      wait_for_turn();
      return false;
    }
  }
  const NativeRequest request{*this, header->correlation_id(), *header, frame.attachment, frame.total_bytes};
  if (!hold_memory(*header, frame.total_bytes)) {
    request.refuse(Error{Errc::limit_exceeded,
                         "open streams and waiting requests take all the memory that requests.inflight.max.bytes "
                         "leaves them; try again later, or raise it"});
    return true;
  }
  if (log_enabled(LogLevel::trace))
    log_line(LogLevel::trace, "request " + std::to_string(header->correlation_id()) + " from " + identity_.address() +
                                  ": kind " + std::to_string(header->body_case()) + ", " +
                                  std::to_string(frame.total_bytes) + " bytes");
  if (last && header->has_produce() && frame.total_bytes <= kBlockingBytesMax && waits_for_nothing_else()) {
    const auto offer = host_->offer_turn();
    execute_request(request);
  } else {
    execute_request(request);
  }
  held_ = {};
  return true;
}

bool NativeProtocol::waits_for_nothing_else() const { return host_ && quiet() && output_.empty(); }

bool NativeProtocol::hold_memory(const v1::RequestHeader& header, std::size_t frame_bytes) {
  if (!may_stay_open(header)) return true;
  held_ = services_.memory.open_calls.try_take(frame_bytes + WireMemory::kOpenCallBytes +
                                               open_entries(header) * WireMemory::kOpenEntryBytes);
  return static_cast<bool>(held_);
}

// What the call that is being made turns out to keep, beside its request.
bool NativeProtocol::try_hold(std::size_t bytes) {
  if (held_) return held_.grow(bytes);
  held_ = services_.memory.open_calls.try_take(bytes);
  return static_cast<bool>(held_);
}

// False when the answer must not be sent; what is sent instead has been.
bool NativeProtocol::room_to_send(std::uint64_t correlation_id, std::size_t attachment_bytes) {
  lending_.sent(correlation_id, attachment_bytes);
  if (services_.memory.room_for_answer(attachment_bytes)) return true;
  const Error error{Errc::limit_exceeded,
                    "too many answers wait for clients that do not take them (answers.waiting.max.bytes); try again"};
  if (output_.empty() && !lending_.is_open(correlation_id)) {
    send_error(correlation_id, error);
  } else {
    // It is one of those that take nothing, or a stream that cannot have a hole.
    output_.clear();
    finished_ = evicted_ = true;
    notify();
  }
  return false;
}

void NativeProtocol::hello_done(std::string client_name) {
  if (client_name.size() > kClientNameBytesMax) {
    std::size_t end = kClientNameBytesMax;
    while (end > 0 && (static_cast<unsigned char>(client_name[end]) & 0xc0) == 0x80) --end;  // not within a character
    client_name.resize(end);
    client_name.shrink_to_fit();
  }
  client_name_ = std::move(client_name);
  identity_.settle();
}

void NativeProtocol::notify() {
  if (host_ && !consuming_) host_->output_ready();
}

void NativeProtocol::input_may_be_wanted() {
  if (host_ && !consuming_ && wants_input()) host_->input_wanted();
}

void NativeProtocol::send(const v1::ResponseHeader& header, ByteView attachment) {
  if (!host_ || evicted_) return;
  if (attachment.size() > kCopyBytesMax) return send(header, std::string(attachment));
  if (!attachment.empty() && !room_to_send(header.correlation_id(), attachment.size())) return;
  std::string& out = output_.small();
  append_frame_head(out, header, attachment.size());
  out.append(attachment);
  output_.appended();
  notify();
}

void NativeProtocol::send(const v1::ResponseHeader& header, std::string attachment) {
  if (!host_ || evicted_) return;
  if (attachment.size() <= kCopyBytesMax) return send(header, ByteView(attachment));
  if (!room_to_send(header.correlation_id(), attachment.size())) return;
  append_frame_head(output_.small(), header, attachment.size());
  output_.appended();
  output_.add(std::move(attachment));
  notify();
}

void NativeProtocol::send(const v1::ResponseHeader& header, std::vector<Piece> pieces) {
  if (!host_ || evicted_) return;
  std::size_t bytes = 0;
  for (const Piece& piece : pieces) bytes += piece.bytes.size();
  if (bytes > 0 && !room_to_send(header.correlation_id(), bytes)) return;
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

void NativeProtocol::send_error(std::uint64_t correlation_id, const Error& error) {
  v1::ResponseHeader header;
  header.set_correlation_id(correlation_id);
  header.set_error_code(static_cast<int>(error.code));
  header.set_error_message(utf8_text(error.message));
  if (log_enabled(LogLevel::debug))
    log_debug("request " + std::to_string(correlation_id) + " from " + identity_.address() +
              " refused: " + std::string(errc_name(error.code)) + ": " + error.message);
  send(header);
}

void NativeProtocol::end_stream(std::uint64_t correlation_id, const Status& status) {
  v1::ResponseHeader header;
  header.set_correlation_id(correlation_id);
  header.set_end(true);
  if (!status.ok()) {
    header.set_error_code(static_cast<int>(status.code()));
    header.set_error_message(utf8_text(status.error().message));
  }
  send(header);
  closed(correlation_id);
}

void NativeProtocol::fail(const Error& error, std::uint64_t correlation_id) {
  if (finished_) return;
  send_error(correlation_id, error);
  if (error.code != Errc::shutting_down)
    log_peer(PeerEvent::protocol_error, "connection from " + identity_.address() + " ends: " + error.message);
  finished_ = true;
}

void NativeProtocol::open(std::uint64_t correlation_id, std::shared_ptr<OpenCall> call) {
  open_.emplace(correlation_id, Open{std::move(call), std::move(held_)});
}

void NativeProtocol::closed(std::uint64_t correlation_id) {
  lending_.closed(correlation_id);
  open_.erase(correlation_id);
}

void NativeProtocol::open_stream(std::uint64_t correlation_id, std::shared_ptr<OpenCall> call,
                                 std::uint64_t client_credit, std::uint64_t lent) {
  open(correlation_id, std::move(call));
  lending_.open(correlation_id, client_credit, lent);
}

void NativeProtocol::output_taken() {
  if (!finished_) lending_.output_taken();
}

std::shared_ptr<OpenCall> NativeProtocol::find_open(std::uint64_t correlation_id) const {
  const auto found = open_.find(correlation_id);
  return found == open_.end() ? nullptr : found->second.call;
}

void NativeProtocol::cancel_all(const Error& reason) {
  const auto calls = std::exchange(open_, {});
  for (const auto& [correlation_id, open] : calls) open.call->cancel(reason);
  lending_.all_closed();
}

void NativeProtocol::detach(const Error& reason) {
  host_ = nullptr;
  finished_ = true;
  cancel_all(reason);
  output_.clear();
}

void NativeProtocol::shut(const Error& reason) {
  cancel_all(reason);
  fail(reason);
}

void NativeProtocol::slow_down() { pause_input(InputGate::kSlowMs); }

void NativeProtocol::wait_for_turn() {
  hold_input();
  loop_.post_large([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->has_turn_ = true;
    self->release_input();
  });
}

void NativeProtocol::release_input() {
  input_.release();
  input_may_be_wanted();
}

void NativeProtocol::pause_input(std::int64_t ms) {
  input_.pause(loop_, ms, weak_from_this(), [](NativeProtocol& self) { self.input_may_be_wanted(); });
}

Unanswered::Unanswered(NativeProtocol& protocol, std::uint64_t correlation_id, std::size_t request_bytes)
    : protocol_(protocol.shared_from_this()), correlation_id_(correlation_id), bytes_(request_bytes) {
  ++protocol_->unanswered_;
  protocol_->inflight_bytes_ += bytes_;
}

Unanswered::~Unanswered() {
  --protocol_->unanswered_;
  protocol_->inflight_bytes_ -= bytes_;
  protocol_->input_may_be_wanted();
}

}  // namespace logcask
