// Requests of the Kafka wire: what is read is written and read again, and the second write is the first one.
//
// Input: api key u8, version u8 (counted from the oldest that is read, and wrapped), the message. Key 255: the rest is
// a frame's content, whose head says what the message is.
#include <optional>

#include "proto/kafka/frame.h"
#include "tests/fuzz/fuzz.h"
#include "tests/proto/kafka/messages.h"

namespace logcask::fuzz {
namespace {

constexpr std::uint8_t kWholeFrame = 255;

// Nothing when a string that is not UTF-8 has no room as text.
template <class Message>
std::optional<std::string> written_bytes(const Message& message, kafka::Layout layout) {
  kafka::Written out;
  if (const Status written = kafka::Writer(out, layout).write(message); !written.ok()) {
    LOGCASK_CHECK(written.code() == Errc::message_too_large);
    return std::nullopt;
  }
  std::string joined = out.joined();
  LOGCASK_CHECK(joined.size() == out.total_bytes());
  return joined;
}

template <class Message>
void there_and_back(ByteView bytes, kafka::Layout layout) {
  Message first, second;
  kafka::Reader reader(bytes, layout);
  if (const Status read = reader.read(first); !read.ok()) {
    LOGCASK_CHECK(read.code() == Errc::malformed_frame && !read.error().message.empty());
    return;
  }
  LOGCASK_CHECK(reader.rest().size() <= bytes.size());
  const auto once = written_bytes(first, layout);
  if (!once) return;
  kafka::Reader again(*once, layout);
  LOGCASK_CHECK(again.read(second).ok() && again.rest().empty());
  LOGCASK_CHECK(written_bytes(second, layout) == once);
}

}  // namespace

void fuzz_kafka_request(ByteView bytes) {
  Input input(bytes);
  std::int16_t key = input.byte();
  kafka::Layout layout;
  ByteView message;
  if (key == kWholeFrame) {
    const auto head = kafka::read_request_head(input.rest());
    if (!head.ok()) {
      LOGCASK_CHECK(head.code() == Errc::malformed_frame);
      return;
    }
    if (!head->api) {
      LOGCASK_CHECK(!head->client_id && head->message.empty());
      return;
    }
    LOGCASK_CHECK(head->api->serves(head->api_version));
    key = head->api_key;
    layout = head->api->layout(head->api_version);
    message = head->message;
  } else {
    const kafka::Api* api = kafka::row_of(static_cast<kafka::ApiKey>(key));
    if (!api) return;
    const int versions = api->max_version - api->served_since + 1;
    layout = api->layout(static_cast<std::int16_t>(api->served_since + input.byte() % versions));
    message = input.rest();
  }
  kafka::each_request([&]<class Message>(kafka::ApiKey of, const Message&) {
    if (of == static_cast<kafka::ApiKey>(key)) there_and_back<Message>(message, layout);
  });
}

}  // namespace logcask::fuzz
