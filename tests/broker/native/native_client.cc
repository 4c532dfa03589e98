#include "tests/broker/native/native_client.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "proto/frame.h"
#include "proto/lookup_codec.h"
#include "proto/record_batch.h"
#include "tests/support/catch.h"

namespace logcask::testing {
namespace {

constexpr int kPatienceMs = 10'000;

}  // namespace

NativeClient::NativeClient(std::uint16_t port, bool hello) {
  socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  LOGCASK_CHECK(socket_ >= 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  LOGCASK_CHECK(::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  const int on = 1;
  ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (!hello) return;
  v1::RequestHeader request;
  request.mutable_hello()->set_client_name("test");
  request.mutable_hello()->set_min_protocol_version(1);
  request.mutable_hello()->set_max_protocol_version(1);
  LOGCASK_CHECK(call(request).header.hello().protocol_version() == 1);
}

NativeClient::~NativeClient() { ::close(socket_); }

std::uint64_t NativeClient::send(v1::RequestHeader& request, const std::string& attachment) {
  request.set_correlation_id(next_id_++);
  std::string frame;
  append_frame_head(frame, request, attachment.size());
  send_raw(frame + attachment);
  return request.correlation_id();
}

void NativeClient::send_raw(const std::string& bytes) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t n = ::send(socket_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) return;  // the peer closed; the test sees that when it reads
    sent += static_cast<std::size_t>(n);
  }
}

std::optional<NativeAnswer> NativeClient::receive() {
  FrameLimits limits;
  limits.max_frame_bytes = std::size_t{1} << 30;
  while (true) {
    auto frame = next_frame(received_, limits);
    LOGCASK_CHECK(frame.ok());
    if (*frame) {
      NativeAnswer answer;
      LOGCASK_CHECK(answer.header.ParseFromArray((*frame)->header.data(), static_cast<int>((*frame)->header.size())));
      answer.attachment = std::string((*frame)->attachment);
      received_.erase(0, (*frame)->total_bytes);
      return answer;
    }
    pollfd ready{socket_, POLLIN, 0};
    if (::poll(&ready, 1, kPatienceMs) <= 0) return std::nullopt;
    char buffer[65536];
    const ssize_t n = ::recv(socket_, buffer, sizeof buffer, 0);
    if (n <= 0) return std::nullopt;
    received_.append(buffer, static_cast<std::size_t>(n));
  }
}

NativeAnswer NativeClient::answer_to(std::uint64_t correlation_id) {
  for (auto it = kept_.begin(); it != kept_.end(); ++it) {
    if (it->header.correlation_id() != correlation_id) continue;
    NativeAnswer answer = std::move(*it);
    kept_.erase(it);
    return answer;
  }
  while (true) {
    auto answer = receive();
    LOGCASK_CHECK(answer.has_value());
    if (answer->header.correlation_id() == correlation_id) return std::move(*answer);
    kept_.push_back(std::move(*answer));
  }
}

namespace {

// After a restart keydirs are loaded in the background; an answer that says so is retriable.
bool still_loading(const v1::ResponseHeader& header) {
  const auto loading = static_cast<int>(Errc::loading);
  if (header.error_code() == loading) return true;
  for (const auto& error : header.commit_offsets().errors())
    if (error.code() == loading) return true;
  return false;
}

}  // namespace

NativeAnswer NativeClient::call(v1::RequestHeader& request, const std::string& attachment) {
  NativeAnswer answer = answer_to(send(request, attachment));
  while (still_loading(answer.header)) answer = answer_to(send(request, attachment));
  return answer;
}

bool NativeClient::closed_by_peer() {
  while (receive()) {
  }
  pollfd ready{socket_, POLLIN, 0};
  char byte;
  return ::poll(&ready, 1, 0) > 0 && ::recv(socket_, &byte, 1, 0) <= 0;
}

void NativeClient::shrink_receive_buffer() {
  const int bytes = 4096;
  ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

void NativeClient::create_topic(const std::string& name, std::uint32_t partitions,
                                const std::vector<std::pair<std::string, std::string>>& config) {
  v1::RequestHeader request;
  auto& body = *request.mutable_create_topic();
  body.set_name(name);
  body.set_partitions(partitions);
  for (const auto& [setting, value] : config) (*body.mutable_config())[setting] = value;
  const NativeAnswer answer = call(request);
  INFO(answer.header.error_message());
  REQUIRE(answer.header.error_code() == 0);
}

std::string one_record_batch(const std::string& key, const std::optional<std::string>& value) {
  BatchBuilder builder(Offset(0));
  builder.add(Offset(0), TimestampMs(1'700'000'000'000), ByteView(key),
              value ? std::optional<ByteView>(*value) : std::nullopt);
  std::string batch;
  REQUIRE_OK(builder.finish(batch));
  return batch;
}

std::int64_t NativeClient::put(const std::string& topic, const std::string& key,
                               const std::optional<std::string>& value, v1::ProduceRequest::Acks acks) {
  const std::string batch = one_record_batch(key, value);
  v1::RequestHeader request;
  auto& produce = *request.mutable_produce();
  produce.set_acks(acks);
  auto& entry = *produce.add_entries();
  entry.set_topic(topic);
  entry.set_batch_bytes(static_cast<std::uint32_t>(batch.size()));
  const NativeAnswer answer = call(request, batch);
  INFO(answer.header.error_message());
  REQUIRE(answer.header.error_code() == 0);
  const auto& result = answer.header.produce().results(0);
  INFO(result.error().message());
  return result.error().code() != 0 ? -result.error().code() : result.base_offset();
}

std::string NativeClient::get(const std::string& topic, const std::string& key) {
  v1::RequestHeader request;
  request.mutable_get()->set_topic(topic);
  request.mutable_get()->set_partition(-1);
  request.mutable_get()->set_key_count(1);
  std::string keys;
  append_key(keys, key);
  const NativeAnswer answer = call(request, keys);
  if (answer.header.error_code() != 0) return "<error " + std::to_string(answer.header.error_code()) + ">";
  const auto results = decode_lookup_results(answer.attachment, 1);
  REQUIRE(results.ok());
  switch ((*results)[0].status) {
    case LookupStatus::found:
      return std::string((*results)[0].value);
    case LookupStatus::deleted:
      return "<deleted>";
    case LookupStatus::absent:
      return "<absent>";
    default:
      return "<failed>";
  }
}

}  // namespace logcask::testing
