#pragma once
// A blocking client of the native protocol, as small as possible: it can also send what no client would.
// Connecting, sending and receiving may be done on any thread (one client each); the shorthands use Catch's macros
// and belong to the test's own thread.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/types.h"
#include "logcask/v1/native.pb.h"

namespace logcask::testing {

struct NativeAnswer {
  v1::ResponseHeader header;
  std::string attachment;
};

class NativeClient {
 public:
  // Connects to 127.0.0.1; says Hello unless told not to.
  explicit NativeClient(std::uint16_t port, bool hello = true);
  ~NativeClient();
  NativeClient(const NativeClient&) = delete;
  NativeClient& operator=(const NativeClient&) = delete;

  // A fresh correlation id goes into `request`.
  std::uint64_t send(v1::RequestHeader& request, const std::string& attachment = {});
  void send_raw(const std::string& bytes);
  // The next answer; nothing when the peer closed or 10 s passed.
  std::optional<NativeAnswer> receive();
  // The next answer to `correlation_id`; answers to others are kept.
  NativeAnswer answer_to(std::uint64_t correlation_id);
  NativeAnswer call(v1::RequestHeader& request, const std::string& attachment = {});
  bool closed_by_peer();  // within 10 s
  void shrink_receive_buffer();

  // Shorthands; they fail the test on an error answer.
  void create_topic(const std::string& name, std::uint32_t partitions = 1,
                    const std::vector<std::pair<std::string, std::string>>& config = {});
  // One record; the offset, or the error's code as -code.
  std::int64_t put(const std::string& topic, const std::string& key, const std::optional<std::string>& value,
                   v1::ProduceRequest::Acks acks = v1::ProduceRequest::ACKS_ALL);
  // "value", or "<absent>", "<deleted>", "<failed>", "<error N>".
  std::string get(const std::string& topic, const std::string& key);

 private:
  int socket_ = -1;
  std::string received_;
  std::uint64_t next_id_ = 1;
  std::vector<NativeAnswer> kept_;
};

std::string one_record_batch(const std::string& key, const std::optional<std::string>& value);

}  // namespace logcask::testing
