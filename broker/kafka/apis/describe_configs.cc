// DescribeConfigs: the settings of topics, ours and those of Kafka's that change nothing here; of the broker what tools
// look for.
#include "proto/kafka/describe_configs.h"

#include <algorithm>

#include "broker/kafka/apis/apis.h"
#include "broker/settings/kafka_topic_settings.h"
#include "broker/settings/topic_config.h"

namespace logcask {
namespace {

using ConfigsAnswer = kafka::DescribeConfigsResponse;
using kafka::ConfigSource;
using kafka::ConfigType;

struct AskedConfigs {
  std::int8_t type = 0;
  std::string name;
  std::optional<std::vector<std::string>> keys;  // nothing: all

  bool wants(std::string_view key) const { return !keys || std::find(keys->begin(), keys->end(), key) != keys->end(); }
};

struct ConfigForm {
  bool synonyms = false;
  bool documentation = false;
};

ConfigType type_of(const SettingInfo& info) {
  // Kafka counts these in 32 bits.
  if (info.name == "max.message.bytes" || info.name == "segment.bytes") return ConfigType::int32;
  switch (info.type) {
    case SettingType::integer:
    case SettingType::bytes:
    case SettingType::milliseconds:
      return ConfigType::int64;
    case SettingType::ratio:
      return ConfigType::float64;
    case SettingType::choices:
      return ConfigType::list;
    default:
      return ConfigType::string;
  }
}

ConfigsAnswer::Config config_of(std::string_view name, std::string_view value, ConfigSource source, ConfigType type,
                                std::string_view documentation, ConfigForm form) {
  ConfigsAnswer::Config config;
  config.name = name;
  config.value = value;
  config.config_source = static_cast<std::int8_t>(source);
  config.config_type = static_cast<std::int8_t>(type);
  if (form.documentation && !documentation.empty()) config.documentation = documentation;
  if (form.synonyms) config.synonyms.push_back({config.name, config.value, config.config_source});
  return config;
}

void describe_topic_configs(const Topic& topic, const AskedConfigs& asked, ConfigForm form,
                            std::vector<ConfigsAnswer::Config>& out) {
  const auto rows = topic_setting_rows();
  // In the order of the rows, and in the form that Kafka's tools read.
  const auto values = list_topic_settings(topic.record.settings);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const SettingInfo& info = rows[i].info;
    if (!asked.wants(info.name)) continue;
    const ConfigSource source = values[i].is_default ? ConfigSource::default_config : ConfigSource::dynamic_topic;
    out.push_back(config_of(info.name, values[i].value, source, type_of(info), info.description, form));
    if (!values[i].is_default && form.synonyms)
      out.back().synonyms.push_back({std::string(info.name), std::string(info.default_text),
                                     static_cast<std::int8_t>(ConfigSource::default_config)});
  }
  for (const KafkaTopicSetting& setting : kafka_topic_settings())
    if (asked.wants(setting.name)) {
      out.push_back(config_of(setting.name, setting.value, ConfigSource::default_config, ConfigType::string,
                              "Changes nothing here: " + std::string(setting.why) + ".", form));
      out.back().read_only = true;
    }
}

struct ShownConfig {
  std::string_view name;
  std::string value;
  ConfigType type;
  std::string_view documentation;
};

// What UIs and Connect read of a broker. Set where the broker is started, never here.
std::vector<ShownConfig> broker_configs(const KafkaCall& call) {
  const KafkaSettings& settings = call.services().settings;
  const SocketAddress address = call.protocol().reachable_at();
  const std::string node_id = std::to_string(settings.node_id);
  using enum ConfigType;
  return {
      {"advertised.listeners", "PLAINTEXT://" + address.to_string(), string,
       "Where Kafka clients are told to connect: kafka.advertised.listener, or the address that they came to."},
      {"auto.create.topics.enable", settings.auto_create_topics ? "true" : "false", boolean,
       "Whether a client that asks for a topic which is not there gets it made."},
      {"broker.id", node_id, int32, "The broker's number: node.id."},
      {"default.replication.factor", "1", int32, "There is one broker, and one replica of each partition."},
      {"delete.topic.enable", "true", boolean, "Topics are deleted by those who ask for it."},
      {"inter.broker.protocol.version", "3.9-IV0", string,
       "No other broker is spoken to; kafka-ui chooses by this between AlterConfigs and IncrementalAlterConfigs."},
      {"log.cleanup.policy", settings.cleanup_policy, list,
       "cleanup.policy of a topic that a Kafka client makes without one: kafka.cleanup.policy."},
      {"log.dirs", call.services().admin.facts().data_directory, string, "The one data directory: data.dir."},
      {"min.insync.replicas", "1", int32, "There is one replica of each partition."},
      {"node.id", node_id, int32, "The broker's number."},
      {"num.partitions", std::to_string(settings.num_partitions), int32,
       "Partitions of a topic that a Kafka client makes without a number: kafka.num.partitions."},
  };
}

void describe_broker_configs(const KafkaCall& call, const AskedConfigs& asked, ConfigForm form,
                             std::vector<ConfigsAnswer::Config>& out) {
  for (const ShownConfig& config : broker_configs(call)) {
    if (!asked.wants(config.name)) continue;
    out.push_back(
        config_of(config.name, config.value, ConfigSource::static_broker, config.type, config.documentation, form));
    out.back().read_only = true;
  }
}

ConfigsAnswer::Resource describe_resource(const KafkaCall& call, const AskedConfigs& asked, ConfigForm form) {
  const KafkaServices& services = call.services();
  ConfigsAnswer::Resource out;
  out.resource_type = asked.type;
  out.resource_name = asked.name;
  const std::string node_id = std::to_string(services.settings.node_id);
  const auto refuse = [&out](kafka::ErrorCode code, const std::string& why) {
    out.error_code = kafka_code(code);
    out.error_message = why;
  };
  switch (static_cast<kafka::ResourceType>(asked.type)) {
    case kafka::ResourceType::topic:
      if (const auto topic = services.admin.describe_topic(call.protocol().principal(), asked.name); topic.ok())
        describe_topic_configs(**topic, asked, form, out.configs);
      else
        refuse(lookup_to_kafka(topic.code(), asked.name), topic.error().message);
      break;
    case kafka::ResourceType::broker:
      // An empty name asks for what holds for all brokers: nothing is set so.
      if (asked.name == node_id)
        describe_broker_configs(call, asked, form, out.configs);
      else if (!asked.name.empty())
        refuse(kafka::ErrorCode::invalid_request, "there is one broker, " + node_id + ", not '" + asked.name + "'");
      break;
    default:
      refuse(kafka::ErrorCode::invalid_request, "resources of type " + std::to_string(asked.type) +
                                                    " have no settings here; topics (2) and brokers (4) do");
  }
  return out;
}

}  // namespace

void handle(KafkaCall call, const kafka::DescribeConfigsRequest& request) {
  ConfigsAnswer response;
  const ConfigForm form{request.include_synonyms, request.include_documentation};
  for (const auto& resource : request.resources) {
    AskedConfigs asked{resource.resource_type, std::string(resource.resource_name), std::nullopt};
    // Before Kafka 2.3 an empty list meant all, too (KAFKA-8398).
    if (resource.configuration_keys && !resource.configuration_keys->empty())
      asked.keys.emplace(resource.configuration_keys->begin(), resource.configuration_keys->end());
    response.results.push_back(describe_resource(call, asked, form));
  }
  call.answer(response);
}

}  // namespace logcask
