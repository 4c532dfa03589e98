#include "client/ask.h"
#include "client/blocking.h"
#include "client/keydir_sizing.h"
#include "logcask/admin.h"

namespace logcask::client {
namespace {

TopicInfo topic_info_of(const v1::MetadataResponse::Topic& topic) {
  return {topic.name(),       topic_id_of(topic.topic_id()), topic.partitions(), topic.internal(), topic.compacted(),
          topic.partitioner()};
}

PartitionInfo partition_info_of(const v1::DescribeTopicResponse::Partition& from) {
  PartitionInfo info;
  info.partition = partition_of(from.partition());
  info.state = from.state();
  info.reason = from.reason();
  info.log_start = Offset(from.log_start_offset());
  info.committed_end = Offset(from.committed_end());
  info.durable_end = Offset(from.durable_end());
  info.written_end = Offset(from.written_end());
  info.next_offset = Offset(from.next_offset());
  info.tombstone_horizon = Offset(from.tombstone_horizon());
  info.leader_epoch = from.leader_epoch();
  info.live_keys = from.live_keys();
  info.deleted_keys = from.deleted_keys();
  info.keydir_bytes = from.keydir_bytes();
  info.size_bytes = from.size_bytes();
  info.segments = from.segments();
  info.pending_records = from.pending_records();
  info.collisions = from.collisions();
  info.loading_progress = from.loading_progress();
  info.compaction_quarantined = from.compaction_quarantined();
  info.quarantine_reason = from.quarantine_reason();
  return info;
}

TopicDescription description_of(const v1::DescribeTopicResponse& from) {
  TopicDescription topic{from.name(), topic_id_of(from.topic_id()), from.internal(), {}, {}, {}};
  for (const auto& setting : from.settings())
    topic.settings.push_back({setting.name(), setting.value(), setting.is_default()});
  for (const auto& partition : from.partitions()) topic.partitions.push_back(partition_info_of(partition));
  topic.sizing = keydir_sizing_of(from.sizing());
  return topic;
}

}  // namespace

void Admin::create_topic_async(const NewTopic& topic, CallOptions call, Callback<TopicCreated> done) {
  v1::RequestHeader request;
  auto* create = request.mutable_create_topic();
  create->set_name(topic.name);
  create->set_partitions(topic.partitions);
  create->set_if_not_exists(topic.if_not_exists);
  for (const auto& [name, value] : topic.config) (*create->mutable_config())[name] = value;
  ask<TopicCreated>(*core_, request, spec_of(call, OnLost::fail_if_sent), std::move(done),
                    [](const Response& response) -> Result<TopicCreated> {
                      const auto& created = response.header.create_topic();
                      return TopicCreated{topic_id_of(created.topic_id()), created.partitions(), created.existed()};
                    });
}
Result<TopicCreated> Admin::create_topic(const NewTopic& topic, CallOptions call) {
  return wait_for<TopicCreated>(*core_, [&](auto done) { create_topic_async(topic, call, done); });
}

void Admin::alter_topic_async(const std::string& name, const std::map<std::string, std::string>& set,
                              const std::vector<std::string>& unset, CallOptions call, Callback<void> done) {
  v1::RequestHeader request;
  auto* alter = request.mutable_alter_topic();
  alter->set_name(name);
  for (const auto& [setting, value] : set) (*alter->mutable_set())[setting] = value;
  for (const auto& setting : unset) alter->add_unset(setting);
  ask<void>(*core_, request, spec_of(call, OnLost::resend), std::move(done), [](const Response&) { return Status(); });
}
Status Admin::alter_topic(const std::string& name, const std::map<std::string, std::string>& set,
                          const std::vector<std::string>& unset, CallOptions call) {
  return wait_for<void>(*core_, [&](auto done) { alter_topic_async(name, set, unset, call, done); });
}

void Admin::create_partitions_async(const std::string& name, std::uint32_t partitions, CallOptions call,
                                    Callback<void> done) {
  v1::RequestHeader request;
  request.mutable_create_partitions()->set_name(name);
  request.mutable_create_partitions()->set_partitions(partitions);
  // Asked again after a success, it would be refused: they are there already.
  ask<void>(*core_, request, spec_of(call, OnLost::fail_if_sent), std::move(done),
            [](const Response&) { return Status(); });
}
Status Admin::create_partitions(const std::string& name, std::uint32_t partitions, CallOptions call) {
  return wait_for<void>(*core_, [&](auto done) { create_partitions_async(name, partitions, call, done); });
}

void Admin::delete_topic_async(const std::string& name, CallOptions call, Callback<void> done) {
  v1::RequestHeader request;
  request.mutable_delete_topic()->set_name(name);
  ask<void>(*core_, request, spec_of(call, OnLost::fail_if_sent), std::move(done),
            [](const Response&) { return Status(); });
}
Status Admin::delete_topic(const std::string& name, CallOptions call) {
  return wait_for<void>(*core_, [&](auto done) { delete_topic_async(name, call, done); });
}

void Admin::describe_topic_async(const std::string& name, CallOptions call, Callback<TopicDescription> done) {
  v1::RequestHeader request;
  request.mutable_describe_topic()->set_name(name);
  ask<TopicDescription>(*core_, request, spec_of(call, OnLost::resend), std::move(done),
                        [](const Response& response) -> Result<TopicDescription> {
                          return description_of(response.header.describe_topic());
                        });
}
Result<TopicDescription> Admin::describe_topic(const std::string& name, CallOptions call) {
  return wait_for<TopicDescription>(*core_, [&](auto done) { describe_topic_async(name, call, done); });
}

void Admin::list_topics_async(bool include_internal, CallOptions call, Callback<std::vector<TopicInfo>> done) {
  v1::RequestHeader request;
  request.mutable_metadata()->set_include_internal(include_internal);
  ask<std::vector<TopicInfo>>(*core_, request, spec_of(call, OnLost::resend), std::move(done),
                              [](const Response& response) -> Result<std::vector<TopicInfo>> {
                                std::vector<TopicInfo> topics;
                                for (const auto& topic : response.header.metadata().topics())
                                  topics.push_back(topic_info_of(topic));
                                return topics;
                              });
}
Result<std::vector<TopicInfo>> Admin::list_topics(bool include_internal, CallOptions call) {
  return wait_for<std::vector<TopicInfo>>(*core_, [&](auto done) { list_topics_async(include_internal, call, done); });
}

void Admin::topic_async(const std::string& name, CallOptions call, Callback<TopicInfo> done) {
  v1::RequestHeader request;
  request.mutable_metadata()->add_topics(name);
  ask<TopicInfo>(*core_, request, spec_of(call, OnLost::resend), std::move(done),
                 [name](const Response& response) -> Result<TopicInfo> {
                   const auto& topics = response.header.metadata().topics();
                   if (topics.empty()) return Error{Errc::unknown_topic, "topic '" + name + "' does not exist"};
                   if (topics[0].error().code() != 0) return error_of(topics[0].error());
                   return topic_info_of(topics[0]);
                 });
}
Result<TopicInfo> Admin::topic(const std::string& name, CallOptions call) {
  return wait_for<TopicInfo>(*core_, [&](auto done) { topic_async(name, call, done); });
}

}  // namespace logcask::client
