// Prints every described Kafka message with its fields as JSON, for schema_check.py.

#include <cstdio>
#include <string>

#include "proto/kafka/field_table.h"
#include "tests/proto/kafka/messages.h"

namespace logcask::kafka {
namespace {

std::string versions(std::int16_t from, std::int16_t to) {
  return "[" + std::to_string(from) + "," + std::to_string(to) + "]";
}

std::string as_json(const FieldRow& row) {
  std::string text = "{\"depth\":" + std::to_string(row.depth);
  text += ",\"name\":\"" + row.name + "\",\"type\":\"" + row.type + "\"";
  text += ",\"versions\":" + versions(row.in.from, row.in.to);
  text += ",\"null_versions\":" + (row.in.null_from == kNewest ? "null" : versions(row.in.null_from, row.in.null_to));
  text += ",\"tag\":" + (row.tag ? std::to_string(*row.tag) : "null");
  text += std::string(",\"holds_null\":") + (row.holds_null ? "true" : "false");
  return text + ",\"initial\":\"" + row.initial + "\"}";
}

template <class Message>
std::string message_as_json(ApiKey key, std::string_view kind) {
  const Api* api = row_of(key);
  std::string text = "{\"name\":\"" + std::string(api->name) + "\",\"kind\":\"" + std::string(kind) + "\"";
  text += ",\"key\":" + std::to_string(static_cast<int>(key));
  text += ",\"versions\":" + versions(api->served_since, api->max_version);
  text += ",\"flexible\":" + std::to_string(api->flexible_since) + ",\"fields\":[";
  const char* between = "\n ";
  for (const FieldRow& row : FieldTable::of<Message>()) {
    text += between + as_json(row);
    between = ",\n ";
  }
  return text + "]}";
}

}  // namespace
}  // namespace logcask::kafka

int main() {
  using namespace logcask::kafka;
  const char* between = "[\n";
  const auto print = [&](const std::string& message) {
    std::printf("%s%s", between, message.c_str());
    between = ",\n";
  };
  each_request([&]<class Message>(ApiKey key, const Message&) { print(message_as_json<Message>(key, "Request")); });
  each_response([&]<class Message>(ApiKey key, const Message&) { print(message_as_json<Message>(key, "Response")); });
  std::printf("\n]\n");
}
