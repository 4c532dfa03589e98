// Requests: one connection, Hello, then the requests that the input says. Every answer is a frame with a header that
// can be read and an attachment that is what the header says; none comes twice; nothing is left when the peer has gone.
//
// Input: up to 4 requests, each { kind u8, options u8, header bytes u16, attachment bytes u16, header, attachment }.
// Kinds are those of native.proto's oneof, from hello = 0 to backup = 28: the header's bytes are the body of
// that kind, so that each kind's header is decoded, whatever the bytes. Options: bits 0-1 correlation id, bit 2 what is
// checked by a checksum is put right, bit 3 everything runs before the next request, bit 4 the stream comes in pieces.
#include <google/protobuf/stubs/logging.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/crc32c.h"
#include "broker/native/requests/requests.h"
#include "broker/services/replay_token.h"
#include "logcask/v1/native.pb.h"
#include "proto/lookup_codec.h"
#include "tests/fuzz/batch_properties.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/request_fixture.h"

namespace logcask::fuzz {
namespace {

constexpr int kKinds = 29;
constexpr int kFirstField = v1::RequestHeader::kHelloFieldNumber;
constexpr int kMaxRequests = 4;
constexpr std::uint64_t kHelloId = 99;

struct Request {
  int kind = 0;
  std::uint8_t options = 0;
  std::uint64_t id = 0;
  std::string frame;
};

class SilentHost final : public ProtocolHost {
 public:
  void output_ready() override {}
  void input_wanted() override {}
  SocketAddress local_address() const override { return {}; }
  BlockingTurns::Offer offer_turn() override { return {}; }
};

void put_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

// The first entry's batch is the whole attachment, whole and with a right checksum.
void repair_produce(std::string& body, std::string& attachment) {
  v1::ProduceRequest produce;
  if (!produce.ParseFromString(body) || produce.entries_size() == 0 || !repair_batch(attachment)) return;
  produce.mutable_entries(0)->set_batch_bytes(static_cast<std::uint32_t>(attachment.size()));
  for (int i = 1; i < produce.entries_size(); ++i) produce.mutable_entries(i)->set_batch_bytes(0);
  body = produce.SerializeAsString();
}

// A token of this topic with a right checksum: whoever keeps one can make another.
void repair_replay(std::string& body, const TopicId& topic) {
  v1::ReplayRequest replay;
  if (!replay.ParseFromString(body)) return;
  std::string& token = *replay.mutable_resume_token();
  if (token.size() < 22) return;
  std::copy(topic.bytes.begin(), topic.bytes.end(), token.begin() + 2);
  store_be(token.data() + token.size() - 4, crc32c(ByteView(token).substr(0, token.size() - 4)));
  body = replay.SerializeAsString();
}

void repair_keys(std::string& attachment, std::uint32_t count) {
  std::string keys;
  for (std::uint32_t i = 0; i < count && i < 100; ++i)
    append_key(keys, i < attachment.size() ? ByteView(attachment).substr(i, 1) : ByteView());
  attachment = keys;
}

void repair_request(int field, std::string& body, std::string& attachment, const TopicId& topic) {
  if (field == v1::RequestHeader::kProduceFieldNumber) repair_produce(body, attachment);
  if (field == v1::RequestHeader::kReplayFieldNumber) repair_replay(body, topic);
  v1::GetRequest get;
  if (field == v1::RequestHeader::kGetFieldNumber && get.ParseFromString(body))
    repair_keys(attachment, get.key_count());
  v1::WatchRequest watch;
  if (field == v1::RequestHeader::kWatchFieldNumber && watch.ParseFromString(body))
    repair_keys(attachment, watch.key_count());
}

std::string frame_of(std::uint64_t id, int field, ByteView body, ByteView attachment) {
  std::string header;
  put_varint(header, 1 << 3);
  put_varint(header, id);
  put_varint(header, static_cast<std::uint64_t>(field) << 3 | 2);
  put_varint(header, body.size());
  header += body;
  std::string frame;
  ByteWriter writer(frame);
  writer.fixed(static_cast<std::uint32_t>(4 + header.size() + attachment.size()));
  writer.fixed(static_cast<std::uint32_t>(header.size()));
  writer.bytes(header);
  writer.bytes(attachment);
  return frame;
}

std::vector<Request> read_requests(ByteView bytes, const TopicId& topic) {
  std::vector<Request> requests;
  Input input(bytes);
  while (!input.empty() && requests.size() < kMaxRequests) {
    Request& request = requests.emplace_back();
    request.kind = input.byte() % kKinds;
    request.options = input.byte();
    request.id = 1 + (request.options & 3);
    const std::size_t header_bytes = input.word();
    const std::size_t attachment_bytes = input.word();
    std::string body(input.take(header_bytes));
    std::string attachment(input.take(attachment_bytes));
    const int field = kFirstField + request.kind;
    if ((request.options & 4) != 0) repair_request(field, body, attachment, topic);
    request.frame = frame_of(request.id, field, body, attachment);
  }
  return requests;
}

// What came back on one connection.
class Answers {
 public:
  explicit Answers(const std::vector<Request>& requests) {
    ++sent_[kHelloId];
    for (const Request& request : requests) ++sent_[request.id];
  }

  void drain(OutQueue& output) {
    while (!output.empty()) {
      ByteView pieces[8];
      const std::size_t count = output.gather(pieces);
      LOGCASK_CHECK(count > 0);
      std::size_t bytes = 0;
      for (std::size_t i = 0; i < count; ++i) {
        buffer_ += pieces[i];
        bytes += pieces[i].size();
      }
      output.consume(bytes);
    }
    cut();
  }
  void check_end() const { LOGCASK_CHECK(buffer_.empty()); }

 private:
  void cut() {
    ByteView rest(buffer_);
    while (true) {
      const auto frame = next_frame(rest, {.max_frame_bytes = 64u << 20});
      LOGCASK_CHECK(frame.ok());
      if (!*frame) break;
      take(**frame);
      rest.remove_prefix((*frame)->total_bytes);
    }
    buffer_.erase(0, buffer_.size() - rest.size());
  }

  void take(const FrameView& frame) {
    v1::ResponseHeader header;
    LOGCASK_CHECK(header.ParseFromArray(frame.header.data(), static_cast<int>(frame.header.size())));
    const std::uint64_t id = header.correlation_id();
    LOGCASK_CHECK(header.error_code() == 0 || !header.error_message().empty());
    if (id == 0) {  // the peer broke the protocol
      LOGCASK_CHECK(header.error_code() != 0 && !failed_);
      failed_ = true;
      return;
    }
    LOGCASK_CHECK(sent_.contains(id));
    const bool stream =
        header.has_watch() || header.has_replay() || header.has_fetch() || header.has_compact() || header.has_backup();
    if (!stream) LOGCASK_CHECK(++final_[id] <= sent_[id]);
    check_attachment(header, frame.attachment);
  }

  static void check_attachment(const v1::ResponseHeader& header, ByteView attachment) {
    if (header.has_get()) {
      LOGCASK_CHECK(decode_lookup_results(attachment, header.get().key_count()).ok());
    } else if (header.has_watch()) {
      LOGCASK_CHECK(decode_lookup_results(attachment, header.watch().event_count()).ok());
    } else if (header.has_fetch()) {
      std::size_t bytes = 0;
      for (const auto& partition : header.fetch().partitions()) bytes += partition.records_bytes();
      LOGCASK_CHECK(bytes == attachment.size());
      check_batches(attachment);
    } else if (header.has_replay()) {
      check_batches(attachment);
    } else if (header.has_backup()) {
      // The topic comes with the manifest, the files' bytes in whole batches.
      if (header.backup().has_topic())
        LOGCASK_CHECK(!attachment.empty());
      else
        check_batches(attachment);
    } else {
      LOGCASK_CHECK(attachment.empty());
    }
  }

  static void check_batches(ByteView batches) {
    while (!batches.empty()) {
      const auto header = decode_batch_header(batches);
      LOGCASK_CHECK(header.ok() && header->total_bytes() <= batches.size());
      LOGCASK_CHECK(batch_crc_holds(batches.substr(0, header->total_bytes())));
      batches.remove_prefix(header->total_bytes());
    }
  }

  std::string buffer_;
  std::map<std::uint64_t, int> sent_;   // requests by correlation id
  std::map<std::uint64_t, int> final_;  // answers that are the only one to their request
  bool failed_ = false;
};

class Conversation {
 public:
  Conversation(RequestBroker& broker, const std::vector<Request>& requests)
      : broker_(broker),
        answers_(requests),
        protocol_(
            std::make_shared<NativeProtocol>(broker.services(), broker.loop(), broker.view(), std::string(), host_)) {}

  void say(ByteView bytes, std::size_t piece) {
    std::string buffer;
    while (!bytes.empty()) {
      buffer += bytes.substr(0, piece);
      bytes.remove_prefix(std::min(piece, bytes.size()));
      feed(buffer);
    }
  }
  void settle() {
    broker_.run();
    answers_.drain(protocol_->output());
    protocol_->output_taken();
  }
  bool finished() const { return protocol_->finished(); }
  void end() {
    settle();
    broker_.advance_ms(40'000);  // every deadline but those of long polls
    settle();
    const std::weak_ptr<NativeProtocol> left = protocol_;
    protocol_->detach({Errc::cancelled, "the peer has gone"});
    broker_.run();
    LOGCASK_CHECK(protocol_->quiet());
    protocol_.reset();
    broker_.advance_ms(40'000);
    LOGCASK_CHECK(left.expired());
    LOGCASK_CHECK(broker_.memory().answers.used() == 0 && broker_.memory().open_calls.used() == 0);
    answers_.check_end();
  }

 private:
  // As a session does: whole frames at the front of the buffer, when more input is wanted.
  void feed(std::string& buffer) {
    for (int round = 0; round < 8; ++round) {
      const std::size_t used = protocol_->consume(buffer);
      LOGCASK_CHECK(used <= buffer.size());
      buffer.erase(0, used);
      if (protocol_->finished() || protocol_->wants_input()) return;
      settle();
      broker_.advance_ms(10);
    }
  }

  RequestBroker& broker_;
  SilentHost host_;
  Answers answers_;
  std::shared_ptr<NativeProtocol> protocol_;
};

std::string hello_frame() {
  v1::HelloRequest hello;
  hello.set_client_name("fuzz");
  hello.set_min_protocol_version(kProtocolVersionMin);
  hello.set_max_protocol_version(kProtocolVersionMax);
  return frame_of(kHelloId, kFirstField, hello.SerializeAsString(), {});
}

RequestBroker& broker() {
  static std::unique_ptr<RequestBroker> broker;
  if (!broker || broker->changed()) {
    broker.reset();
    broker = std::make_unique<RequestBroker>();
  }
  broker->forget_callers();
  return *broker;
}

}  // namespace

void fuzz_request(ByteView bytes) {
  google::protobuf::SetLogHandler(nullptr);  // as the listener has it
  static const std::string hello = hello_frame();
  RequestBroker& with = broker();
  const std::vector<Request> requests = read_requests(bytes, with.topic_id());
  Conversation conversation(with, requests);
  conversation.say(hello, hello.size());
  for (const Request& request : requests) {
    if (conversation.finished()) break;
    conversation.say(request.frame, (request.options & 16) != 0 ? 7 : request.frame.size());
    if ((request.options & 8) != 0) conversation.settle();
  }
  conversation.end();
}

}  // namespace logcask::fuzz
