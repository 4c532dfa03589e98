#include "broker/kafka/kafka_protocol.h"

#include <vector>

#include "broker/kafka/apis/apis.h"
#include "broker/log.h"

namespace logcask {
namespace {

// Above this a piece is queued as it is instead of being copied behind what stands before it.
constexpr std::size_t kCopiedPieceBytesMax = 8u << 10;

}  // namespace

KafkaProtocol::KafkaProtocol(const KafkaServices& services, EventLoop& loop, TopicView& topics,
                             const std::string& peer_address, ProtocolHost& host)
    : services_(services),
      loop_(loop),
      topics_(topics),
      identity_(peer_address),
      host_(&host),
      output_(services.memory.answers) {
  // There is no authentication: everybody is anonymous.
  identity_.settle();
}

bool KafkaProtocol::wants_input() const {
  const ConnectionLimits& limits = services_.limits;
  if (finished_ || !host_ || !input_.open()) return false;
  if (inflight_bytes_ >= limits.inflight_bytes || slots_.size() >= limits.unanswered) return false;
  const std::size_t answers = output_.bytes() + waiting_bytes_;
  return answers == 0 || (answers < limits.output_bytes && !services_.memory.answers_short());
}

std::size_t KafkaProtocol::consume(ByteView bytes) {
  const std::size_t before = bytes.size();
  consuming_ = true;
  while (wants_input()) {
    needed_bytes_ = kafka::kLengthBytes;
    if (bytes.size() < kafka::kLengthBytes) break;
    const auto length = load_be<std::int32_t>(bytes.data());
    if (length < 0 || static_cast<std::size_t>(length) > services_.limits.frame_bytes) {
      fail(Error{Errc::frame_too_large, "a frame of " + std::to_string(length) + " bytes, where frame.max.bytes is " +
                                            std::to_string(services_.limits.frame_bytes) +
                                            "; does the peer speak another protocol?"});
      break;
    }
    needed_bytes_ = kafka::kLengthBytes + static_cast<std::size_t>(length);
    if (bytes.size() < needed_bytes_) break;
    execute(bytes.substr(kafka::kLengthBytes, static_cast<std::size_t>(length)));
    bytes.remove_prefix(needed_bytes_);
    needed_bytes_ = kafka::kLengthBytes;
  }
  consuming_ = false;
  return before - bytes.size();
}

void KafkaProtocol::execute(ByteView frame) {
  auto head = kafka::read_request_head(frame);
  if (!head.ok()) return fail(head.error());
  asked_ = true;
  const bool asks_versions = head->api_key == static_cast<std::int16_t>(kafka::ApiKey::api_versions);
  if (!head->api && !asks_versions)
    return fail(Error{Errc::unknown_request, "api key " + std::to_string(head->api_key) + " in version " +
                                                 std::to_string(head->api_version) + " is not served"});
  slots_.emplace_back().request_bytes = frame.size();
  inflight_bytes_ += frame.size();
  KafkaCall call(*this, next_number_++, *head);
  execute_kafka(std::move(call), *head);
}

KafkaProtocol::Slot* KafkaProtocol::find(std::uint64_t number) {
  const std::uint64_t first = next_number_ - slots_.size();
  return number < first || number >= next_number_ ? nullptr : &slots_[number - first];
}

void KafkaProtocol::answered(std::uint64_t number, kafka::Written answer) {
  Slot* slot = find(number);
  if (!slot || slot->ready) return;
  slot->ready = true;
  const auto ended = std::move(slot->open);  // outlives this call, which it may have made
  slot->memory = {};
  slot->answer = std::move(answer);
  if (slot != &slots_.front()) {
    // Counted like the output: behind a request that waits, a client could pile them up.
    const std::size_t bytes = slot->answer.total_bytes();
    if (bytes > WireMemory::kSmallAnswerBytes) {
      slot->memory = services_.memory.answers.try_take(bytes);
      if (!slot->memory) return evict();
    }
    waiting_bytes_ += bytes;
    slot->waited = true;
    return;
  }
  send_ready();
}

void KafkaProtocol::evict() {
  if (!host_ || evicted_) return;
  output_.clear();
  finished_ = evicted_ = true;
  notify();
}

bool KafkaProtocol::try_hold_open(std::uint64_t number, std::size_t partitions) {
  Slot* slot = find(number);
  if (!slot) return false;
  slot->memory = services_.memory.open_calls.try_take(slot->request_bytes + WireMemory::kOpenCallBytes +
                                                      partitions * WireMemory::kOpenEntryBytes);
  return static_cast<bool>(slot->memory);
}

void KafkaProtocol::send_ready() {
  bool sent = false;
  while (!slots_.empty() && slots_.front().ready) {
    Slot slot = std::move(slots_.front());
    slots_.pop_front();
    inflight_bytes_ -= slot.request_bytes;
    if (slot.waited) waiting_bytes_ -= slot.answer.total_bytes();
    slot.memory = {};
    if (!host_ || evicted_ || slot.answer.bytes.empty()) continue;
    send(slot.answer);
    sent = true;
  }
  if (sent) notify();
  input_may_be_wanted();
}

void KafkaProtocol::send(kafka::Written& answer) {
  if (!services_.memory.room_for_answer(answer.total_bytes())) {
    // One answer more than there is memory for, and none may be left out.
    return evict();
  }
  std::size_t from = 0;
  for (kafka::Written::Splice& splice : answer.splices) {
    output_.small().append(answer.bytes, from, splice.at - from);
    output_.appended();
    from = splice.at;
    for (kafka::Piece& piece : splice.pieces) {
      if (piece.bytes.size() <= kCopiedPieceBytesMax) {
        output_.small().append(piece.bytes);
        output_.appended();
      } else {
        output_.add(piece.bytes, std::move(piece.owner));
      }
    }
  }
  output_.small().append(answer.bytes, from);
  output_.appended();
}

void KafkaProtocol::notify() {
  if (host_ && !consuming_) host_->output_ready();
}

void KafkaProtocol::input_may_be_wanted() {
  if (host_ && !consuming_ && wants_input()) host_->input_wanted();
}

// Answers that are still owed are not waited for: nothing after them could be understood.
void KafkaProtocol::fail(const Error& error) {
  if (std::exchange(finished_, true)) return;
  log_peer(PeerEvent::protocol_error, "Kafka connection from " + identity_.address() + " ends: " + error.message);
  const auto self = shared_from_this();
  cancel_open(error);
  slots_.clear();
  notify();
}

void KafkaProtocol::shut(const Error& reason) {
  finished_ = true;
  const auto self = shared_from_this();
  cancel_open(reason);
  notify();
}

void KafkaProtocol::detach(const Error& reason) {
  host_ = nullptr;
  shut(reason);
  output_.clear();
}

// Each answers when it is cancelled, which takes its slot away.
void KafkaProtocol::cancel_open(const Error& reason) {
  std::vector<std::shared_ptr<OpenCall>> open;
  for (Slot& slot : slots_)
    if (slot.open) open.push_back(slot.open);
  for (const auto& call : open) call->cancel(reason);
}

SocketAddress KafkaProtocol::reachable_at() const {
  if (services_.settings.advertised) return *services_.settings.advertised;
  return host_ ? host_->local_address() : SocketAddress{};
}

void KafkaProtocol::slow_down() {
  input_.pause(loop_, InputGate::kSlowMs, weak_from_this(), [](KafkaProtocol& self) { self.input_may_be_wanted(); });
}

void KafkaProtocol::release_input() {
  input_.release();
  input_may_be_wanted();
}

KafkaCall::KafkaCall(KafkaProtocol& protocol, std::uint64_t number, const kafka::RequestHead& head)
    : protocol_(protocol.shared_from_this()),
      number_(number),
      api_(head.api),
      version_(head.api_version),
      correlation_id_(head.correlation_id),
      client_id_(head.client_id.value_or(std::string_view())) {
  if (api_) return;
  // The answer to a version of ApiVersions that nobody knows has the form of version 0 (KIP-511).
  api_ = kafka::find_api(head.api_key);
  version_ = 0;
}

KafkaCall::~KafkaCall() {
  if (protocol_ && owed_) protocol_->fail(Error{Errc::cancelled, "a request has no answer"});
}

void KafkaCall::open(std::shared_ptr<OpenCall> call) {
  if (KafkaProtocol::Slot* slot = protocol_->find(number_)) slot->open = std::move(call);
}

void KafkaCall::deliver(kafka::Written answer) {
  owed_ = false;
  protocol_->answered(number_, std::move(answer));
}

}  // namespace logcask
