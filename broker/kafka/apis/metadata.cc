// Metadata: the one broker and the topics; a topic that is asked for and is not there is made, when the settings and
// the client allow it.
#include "proto/kafka/metadata.h"

#include "broker/kafka/apis/allowed_operations.h"
#include "broker/kafka/apis/apis.h"

namespace logcask {
namespace {

using MetadataAnswer = kafka::MetadataResponse;

MetadataAnswer::Partition describe(const PartitionMarks& marks, std::int32_t index, std::int32_t node_id) {
  MetadataAnswer::Partition partition;
  const bool offline = marks.state == PartitionMarks::State::offline;
  partition.partition_index = index;
  partition.leader_id = offline ? -1 : node_id;
  partition.leader_epoch = marks.leader_epoch.value();
  partition.replica_nodes = {node_id};
  if (offline) {
    partition.error_code = kafka_code(kafka::ErrorCode::leader_not_available);
    partition.offline_replicas = {node_id};
  } else {
    partition.isr_nodes = {node_id};
  }
  return partition;
}

MetadataAnswer::Topic describe(const Topic& topic, std::int32_t node_id) {
  MetadataAnswer::Topic described;
  described.name = topic.record.name;
  described.topic_id = topic.record.id;
  described.is_internal = topic.internal;
  described.partitions.reserve(topic.partitions.size());
  for (const auto& partition : topic.partitions)
    described.partitions.push_back(
        describe(partition->marks(), static_cast<std::int32_t>(described.partitions.size()), node_id));
  return described;
}

MetadataAnswer::Topic missing(std::optional<std::string> name, const TopicId& id, kafka::ErrorCode error) {
  MetadataAnswer::Topic topic;
  topic.name = std::move(name);
  topic.topic_id = id;
  topic.error_code = kafka_code(error);
  return topic;
}

// What is asked for, without the request's bytes.
struct Asked {
  bool all = false;
  bool may_create = false;
  struct One {
    std::optional<std::string> name;
    TopicId id;
  };
  std::vector<One> topics;
};

MetadataAnswer::Topic by_id(const std::vector<TopicPtr>& known, const TopicId& id, std::int32_t node_id) {
  for (const TopicPtr& topic : known)
    if (topic->record.id == id) return describe(*topic, node_id);
  return missing(std::nullopt, id, kafka::ErrorCode::unknown_topic_id);
}

MetadataAnswer::Topic by_name(AdminService& admin, const Principal& principal, const KafkaSettings& settings,
                              const std::string& name, bool may_create) {
  auto topic = admin.describe_topic(principal, name);
  if (topic.ok()) return describe(**topic, settings.node_id);
  if (topic.code() != Errc::unknown_topic || !may_create) return missing(name, {}, lookup_to_kafka(topic.code(), name));
  const auto created =
      admin.create_topic(principal, name, settings.num_partitions, {{"cleanup.policy", settings.cleanup_policy}}, true);
  if (created.ok()) return describe(*created->topic, settings.node_id);
  return missing(name, {}, to_kafka(created.code()));
}

std::vector<MetadataAnswer::Topic> find(AdminService& admin, const Principal& principal, const KafkaSettings& settings,
                                        const Asked& asked) {
  std::vector<MetadataAnswer::Topic> topics;
  if (asked.all) {
    for (const TopicPtr& topic : admin.list_topics(principal, true))
      topics.push_back(describe(*topic, settings.node_id));
    return topics;
  }
  std::vector<TopicPtr> known;
  for (const Asked::One& one : asked.topics) {
    if (!one.name && known.empty()) known = admin.list_topics(principal, true);
    topics.push_back(one.name ? by_name(admin, principal, settings, *one.name, asked.may_create)
                              : by_id(known, one.id, settings.node_id));
  }
  return topics;
}

bool all_are_there(KafkaProtocol& protocol, const Asked& asked) {
  for (const Asked::One& one : asked.topics)
    if (one.name && !protocol.topics().find(*one.name)) return false;
  return true;
}

}  // namespace

void handle(KafkaCall call, const kafka::MetadataRequest& request) {
  const KafkaServices& services = call.services();
  Asked asked;
  asked.all = !request.topics || (call.version() == 0 && request.topics->empty());
  asked.may_create = services.settings.auto_create_topics && request.allow_auto_topic_creation;
  if (request.topics)
    for (const auto& topic : *request.topics)
      asked.topics.push_back({topic.name ? std::optional<std::string>(*topic.name) : std::nullopt, topic.topic_id});
  const bool of_topics = request.include_topic_authorized_operations;
  const bool of_cluster = request.include_cluster_authorized_operations;
  const auto answer = [of_topics, of_cluster](KafkaCall& owed, std::vector<MetadataAnswer::Topic> topics) {
    const SocketAddress address = owed.protocol().reachable_at();
    MetadataAnswer response;
    response.controller_id = owed.services().settings.node_id;
    response.brokers.push_back({response.controller_id, address.host, address.port, std::nullopt});
    response.cluster_id = owed.services().admin.facts().cluster_id;
    response.topics = std::move(topics);
    if (of_cluster) response.cluster_authorized_operations = kClusterOperations;
    for (auto& topic : response.topics)
      if (of_topics && topic.error_code == 0) topic.topic_authorized_operations = kTopicOperations;
    owed.answer(response);
  };
  const auto look = [&admin = services.admin, &settings = services.settings, principal = call.protocol().principal(),
                     asked] { return find(admin, principal, settings, asked); };
  // Only making one waits for the disk.
  if (!asked.may_create || all_are_there(call.protocol(), asked)) return answer(call, look());
  in_background(std::move(call), look, answer);
}

}  // namespace logcask
