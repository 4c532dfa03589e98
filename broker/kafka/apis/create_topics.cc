// CreateTopics: one result per topic that is asked for.
#include "proto/kafka/create_topics.h"

#include "broker/kafka/apis/apis.h"
#include "broker/settings/kafka_topic_settings.h"
#include "broker/settings/topic_config.h"
#include "proto/kafka/describe_configs.h"

namespace logcask {
namespace {

using CreateTopicsAnswer = kafka::CreateTopicsResponse;

struct Wanted {
  std::string name;
  std::int64_t partitions = 0;
  SettingMap settings;
  Status refused;
};

Wanted to_wanted(const kafka::CreateTopicsRequest::Topic& topic, const KafkaSettings& settings) {
  Wanted wanted;
  wanted.name = topic.name;
  const auto assigned = static_cast<std::int64_t>(topic.assignments.size());
  wanted.partitions = assigned > 0                 ? assigned
                      : topic.num_partitions == -1 ? settings.num_partitions
                                                   : topic.num_partitions;
  if (wanted.partitions <= 0)
    wanted.refused = Error{Errc::invalid_argument, "a topic has at least one partition; -1 asks for the default"};
  wanted.settings["cleanup.policy"] = settings.cleanup_policy;
  for (const auto& config : topic.configs) {
    if (!config.value) continue;
    const auto passed_over = passes_over_kafka_setting(config.name, *config.value);
    if (!passed_over.ok())
      wanted.refused = passed_over.error();
    else if (!*passed_over)
      wanted.settings[std::string(config.name)] = *config.value;
  }
  return wanted;
}

// Of a topic that was made, or that would be.
void put_created(const Result<Topics::Created>& created, CreateTopicsAnswer::Topic& out) {
  if (!created.ok()) {
    out.error_code = kafka_code(created.code() == Errc::invalid_argument || created.code() == Errc::limit_exceeded
                                    ? kafka::ErrorCode::invalid_partitions
                                    : to_kafka(created.code()));
    out.error_message = created.error().message;
    return;
  }
  out.topic_id = created->topic->record.id;
  out.num_partitions = static_cast<std::int32_t>(created->topic->record.partitions);
  out.replication_factor = 1;
  for (const TopicSettingValue& setting : list_topic_settings(created->topic->record.settings))
    out.configs->push_back({setting.name, setting.value, false,
                            static_cast<std::int8_t>(setting.is_default ? kafka::ConfigSource::default_config
                                                                        : kafka::ConfigSource::dynamic_topic),
                            false});
}

}  // namespace

void handle(KafkaCall call, const kafka::CreateTopicsRequest& request) {
  std::vector<Wanted> topics;
  for (const auto& topic : request.topics) topics.push_back(to_wanted(topic, call.services().settings));
  in_background(
      std::move(call),
      [&admin = call.services().admin, principal = call.protocol().principal(), topics = std::move(topics),
       only_check = request.validate_only] {
        CreateTopicsAnswer response;
        for (const Wanted& wanted : topics) {
          CreateTopicsAnswer::Topic& out = response.topics.emplace_back();
          out.name = wanted.name;
          out.configs.emplace();  // Java's client takes null for a broken answer
          if (wanted.refused.ok())
            put_created(
                admin.create_topic(principal, wanted.name, wanted.partitions, wanted.settings, false, only_check), out);
          else
            put_created(wanted.refused.error(), out);
        }
        return response;
      },
      [](KafkaCall& owed, const CreateTopicsAnswer& response) { owed.answer(response); });
}

}  // namespace logcask
