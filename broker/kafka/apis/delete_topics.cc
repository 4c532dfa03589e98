// DeleteTopics: one result per topic that is named, by name or by id.
#include "proto/kafka/delete_topics.h"

#include "broker/kafka/apis/apis.h"

namespace logcask {
namespace {

using DeleteTopicsAnswer = kafka::DeleteTopicsResponse;

struct Named {
  std::optional<std::string> name;
  TopicId id;
};

DeleteTopicsAnswer::Topic remove(AdminService& admin, const Principal& principal, Named named) {
  DeleteTopicsAnswer::Topic out;
  out.topic_id = named.id;
  if (named.name) {
    if (const auto topic = admin.describe_topic(principal, *named.name); topic.ok()) out.topic_id = (*topic)->record.id;
  } else {
    for (const TopicPtr& topic : admin.list_topics(principal, false))
      if (topic->record.id == named.id) named.name = topic->record.name;
    if (!named.name) {
      out.error_code = kafka_code(kafka::ErrorCode::unknown_topic_id);
      return out;
    }
  }
  out.name = named.name;
  if (const auto removed = admin.delete_topic(principal, *named.name); !removed.ok()) {
    out.error_code = kafka_code(removed);
    out.error_message = removed.error().message;
  }
  return out;
}

}  // namespace

void handle(KafkaCall call, const kafka::DeleteTopicsRequest& request) {
  std::vector<Named> topics;
  for (const std::string_view name : request.topic_names) topics.push_back({std::string(name), {}});
  for (const auto& topic : request.topics)
    topics.push_back({topic.name ? std::optional<std::string>(*topic.name) : std::nullopt, topic.topic_id});
  in_background(
      std::move(call),
      [&admin = call.services().admin, principal = call.protocol().principal(), topics = std::move(topics)] {
        DeleteTopicsAnswer response;
        for (const Named& named : topics) response.responses.push_back(remove(admin, principal, named));
        return response;
      },
      [](KafkaCall& owed, const DeleteTopicsAnswer& response) { owed.answer(response); });
}

}  // namespace logcask
