#include "cli/single_writes.h"

#include "cli/record_json.h"
#include "cli/record_printer.h"
#include "logcask/admin.h"

namespace logcask::cli {

SingleWrites::SingleWrites(client::Producer producer, std::string topic)
    : producer_(std::move(producer)), topic_(std::move(topic)), style_(output_style()) {}

Result<SingleWrites> SingleWrites::open(client::Client client, const std::string& topic, const std::string& what,
                                        std::int64_t timeout_ms) {
  LOGCASK_ASSIGN(const auto info, client::Admin(client).topic(topic));
  if (!info.compacted)
    return Error{Errc::unsupported, "'" + topic + "' has cleanup.policy=delete and so no latest value of a key that " +
                                        what + "; 'logcask produce' appends records to it, retention removes them"};
  client::ProducerOptions options;
  options.linger_ms = 0;
  options.delivery_timeout_ms = timeout_ms;
  // The broker knows the topic's limit.
  options.max_record_bytes = options.buffer_bytes;
  LOGCASK_ASSIGN(auto producer, client::Producer::open(client, topic, options));
  return SingleWrites(std::move(producer), topic);
}

client::Delivery SingleWrites::write(ByteView key, std::optional<ByteView> value, client::Condition condition) {
  client::OutRecord record;
  record.key = key;
  record.value = value;
  record.condition = condition;
  return producer_.send_and_wait(record);
}

void SingleWrites::append(std::string& out, const std::string& format, ByteView key, std::optional<ByteView> value,
                          const client::Delivery& delivery) const {
  if (format == "json") {
    append_json_record(out, {topic_, delivery.partition, delivery.offset, delivery.timestamp, key, value, {}});
    return;
  }
  const std::string what = std::string(value ? "written" : "deleted") + " at " +
                           std::to_string(delivery.partition.value()) + ":" + std::to_string(delivery.offset.value());
  append_text_record(out, key, what, style_);
}

}  // namespace logcask::cli
