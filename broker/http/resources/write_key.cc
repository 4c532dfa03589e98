// PUT and DELETE /v1/topics/TOPIC/keys/KEY: one record, under conditions.
#include <memory>
#include <optional>
#include <utility>

#include "base/json_writer.h"
#include "broker/http/entity_tag.h"
#include "broker/http/resources/key_address.h"
#include "broker/http/resources/parameters.h"
#include "broker/http/resources/resources.h"

namespace logcask {
namespace {

// What the conditions of a write come to.
struct Conditions {
  std::optional<Condition> condition;
  std::optional<PartitionId> partition;
  std::optional<TopicId> topic_id;
};

Result<Conditions> read_if_match(const std::string& text) {
  LOGCASK_ASSIGN(const TagList list, parse_tag_list(text, true));
  Conditions conditions;
  conditions.condition.emplace();
  if (list.any) {
    conditions.condition->kind = Condition::Kind::exists;
    return conditions;
  }
  // Whether one of several is the current one cannot be decided in the same instant as the write.
  if (list.tags.size() + list.foreign > 1)
    return Error{Errc::invalid_argument, "If-Match takes one entity tag here, or *"};
  if (list.foreign > 0) return Error{Errc::condition_failed, "If-Match names a tag that is of no record here"};
  conditions.condition->kind = Condition::Kind::offset;
  conditions.condition->offset = list.tags.front().offset;
  conditions.partition = list.tags.front().partition;
  conditions.topic_id = list.tags.front().topic_id;
  return conditions;
}

Result<Conditions> read_conditions(const HttpRequest& request) {
  for (const std::string_view name : {"if-modified-since", "if-unmodified-since", "if-range"})
    if (request.header(name))
      return Error{Errc::invalid_argument, std::string(name) + " is not served; If-Match and If-None-Match: * are"};
  const std::string* match = request.header("if-match");
  const std::string* none = request.header("if-none-match");
  if (request.header_count("if-match") + request.header_count("if-none-match") > 1)
    return Error{Errc::invalid_argument, "a write takes one precondition"};
  if (match) return read_if_match(*match);
  Conditions conditions;
  if (!none) return conditions;
  LOGCASK_ASSIGN(const TagList list, parse_tag_list(*none));
  if (!list.any) return Error{Errc::invalid_argument, "If-None-Match of a write takes * only"};
  if (request.method == HttpMethod::remove)
    return Error{Errc::invalid_argument, "DELETE takes no If-None-Match: what is not there needs no deletion"};
  conditions.condition.emplace();
  conditions.condition->kind = Condition::Kind::absent;
  return conditions;
}

HttpAnswer refused(const KeyWritten& written) {
  HttpAnswer answer = error_answer(written.status.error());
  if (written.status.code() == Errc::condition_failed && written.current_offset != kNoOffset &&
      !written.current_is_tombstone)
    answer.headers.emplace_back(
        "ETag", EntityTag{written.topic_id, written.partition, written.current_offset, EntityTag::kJson}.to_string());
  return answer;
}

HttpAnswer taken(const KeyWritten& written, const std::string& topic, bool removed, bool created) {
  HttpAnswer answer;
  if (created) answer.status = 201;
  if (!removed)
    answer.headers.emplace_back(
        "ETag", EntityTag{written.topic_id, written.partition, written.offset, EntityTag::kJson}.to_string());
  JsonWriter json(answer.body);
  json.begin()
      .field("topic", topic)
      .field("partition", written.partition.value())
      .field("offset", written.offset.value());
  if (written.ambiguous) json.field("ambiguous", true);
  json.end();
  answer.body += '\n';
  return answer;
}

void write_key(HttpCall call, HttpRequest request) {
  if (auto known = check_parameters(request, {"key_encoding"}); !known.ok()) return call.refuse(known.error());
  auto address = read_key_address(request);
  if (!address.ok()) return call.answer(key_address_refused(address.error()));
  auto conditions = read_conditions(request);
  if (!conditions.ok()) return call.refuse(conditions.error());
  const bool removes = request.method == HttpMethod::remove;
  if (removes && !request.body.empty()) return call.refuse(Error{Errc::invalid_argument, "DELETE takes no body"});
  KeyWrite write;
  write.topic = address->topic;
  write.key = std::move(address->key);
  if (!removes) write.value = std::move(request.body);
  write.condition = conditions->condition;
  write.condition_partition = conditions->partition;
  write.topic_id = conditions->topic_id;
  const bool creates = conditions->condition && conditions->condition->kind == Condition::Kind::absent;
  KeyWriter& writer = call.services().writer;
  const CallContext context = call.protocol().context();
  // Shared, because functions are copyable.
  const auto owed = std::make_shared<HttpCall>(std::move(call));
  writer.write(context, std::move(write), [owed, topic = address->topic, removes, creates](const KeyWritten& written) {
    owed->answer(written.status.ok() ? taken(written, topic, removes, creates) : refused(written));
  });
}

}  // namespace

void handle_put_key(HttpCall call, HttpRequest request) { write_key(std::move(call), std::move(request)); }

void handle_delete_key(HttpCall call, HttpRequest request) { write_key(std::move(call), std::move(request)); }

}  // namespace logcask
