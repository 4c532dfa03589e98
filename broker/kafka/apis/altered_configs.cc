#include "broker/kafka/apis/altered_configs.h"

#include <algorithm>
#include <utility>

#include "broker/settings/kafka_topic_settings.h"
#include "broker/settings/topic_config.h"
#include "proto/kafka/describe_configs.h"

namespace logcask {
namespace {

constexpr std::string_view kCleanupPolicy = "cleanup.policy";

// What becomes of a topic's settings.
struct SettingChange {
  SettingMap set;
  std::vector<std::string> unset;
};

std::vector<std::string> items_of(std::string_view list) {
  std::vector<std::string> items;
  while (!list.empty()) {
    const std::size_t comma = std::min(list.find(','), list.size());
    if (comma > 0) items.emplace_back(list.substr(0, comma));
    list.remove_prefix(std::min(comma + 1, list.size()));
  }
  return items;
}

// The list with the items of `value` added or taken away.
Result<std::string> changed_list(const Topic& topic, const AlteredConfig& config) {
  const auto settings = list_topic_settings(topic.record.settings);
  const auto now = std::find_if(settings.begin(), settings.end(), [&](const auto& s) { return s.name == config.name; });
  const auto rows = topic_settings();
  const auto row = std::find_if(rows.begin(), rows.end(), [&](const auto* r) { return r->name == config.name; });
  if (now == settings.end() || row == rows.end()) return unknown_setting(config.name, rows);
  if ((*row)->type != SettingType::choices)
    return Error{Errc::invalid_config, config.name + " is no list, to which something could be appended; set it"};
  std::vector<std::string> items = items_of(now->value);
  for (const std::string& item : items_of(config.value.value_or(""))) {
    const auto there = std::find(items.begin(), items.end(), item);
    if (config.operation == kafka::ConfigOperation::append && there == items.end()) items.push_back(item);
    if (config.operation == kafka::ConfigOperation::subtract && there != items.end()) items.erase(there);
  }
  std::string list;
  for (const std::string& item : items) list += (list.empty() ? "" : ",") + item;
  return list;
}

Status add(const Topic& topic, const AlteredConfig& config, SettingChange& change) {
  LOGCASK_ASSIGN(const bool passed_over,
                 passes_over_kafka_setting(
                     config.name, config.value ? std::optional<std::string_view>(*config.value) : std::nullopt));
  if (passed_over) return {};
  if (change.set.contains(config.name) ||
      std::find(change.unset.begin(), change.unset.end(), config.name) != change.unset.end())
    return Error{Errc::invalid_argument, config.name + " is named twice; give one change for each setting"};
  using enum kafka::ConfigOperation;
  switch (config.operation) {
    case set:
      if (!config.value) return Error{Errc::invalid_argument, config.name + " has no value to be set to"};
      change.set.emplace(config.name, *config.value);
      return {};
    case remove:
      // The default is ours; a topic that Kafka's clients have made has theirs, and stays so.
      if (config.name == kCleanupPolicy && !topic.config.partition.compacted) return {};
      change.unset.push_back(config.name);
      return {};
    case append:
    case subtract: {
      LOGCASK_ASSIGN(auto list, changed_list(topic, config));
      change.set.emplace(config.name, std::move(list));
      return {};
    }
  }
  return Error{Errc::invalid_argument, "operation " + std::to_string(static_cast<int>(config.operation)) + " on " +
                                           config.name +
                                           " is none of set (0), delete (1), append (2) and subtract (3)"};
}

// May block.
Status alter_configs(AdminService& admin, const Principal& principal, const AlteredResource& resource,
                     bool only_check) {
  if (resource.type != static_cast<std::int8_t>(kafka::ResourceType::topic))
    return Error{Errc::invalid_argument,
                 resource.type == static_cast<std::int8_t>(kafka::ResourceType::broker)
                     ? std::string("the broker's settings stand in its configuration file and its flags; change them "
                                   "there (docs/CONFIG.md), SIGHUP makes it read the file again")
                     : "resources of type " + std::to_string(resource.type) + " have no settings here"};
  LOGCASK_ASSIGN(const TopicPtr topic, admin.describe_topic(principal, resource.name));
  SettingChange change;
  for (const AlteredConfig& config : resource.configs) LOGCASK_TRY(add(*topic, config, change));
  if (resource.replaces_all)
    for (const auto& [name, value] : topic->record.settings)
      if (!change.set.contains(name) && name != kCleanupPolicy) change.unset.push_back(name);
  return admin.alter_topic(principal, resource.name, change.set, change.unset, only_check);
}

}  // namespace

void answer_altered(KafkaCall call, std::vector<AlteredResource> resources, bool only_check) {
  in_background(
      std::move(call),
      [&admin = call.services().admin, principal = call.protocol().principal(), resources = std::move(resources),
       only_check] {
        kafka::AlterConfigsResponse response;
        for (const AlteredResource& resource : resources) {
          auto& out = response.responses.emplace_back();
          out.resource_type = resource.type;
          out.resource_name = resource.name;
          const Status altered = alter_configs(admin, principal, resource, only_check);
          if (altered.ok()) continue;
          // A value that this topic cannot take: to clients UNSUPPORTED_VERSION would say that the request is unknown.
          out.error_code =
              altered.code() == Errc::unsupported ? kafka_code(kafka::ErrorCode::invalid_config) : kafka_code(altered);
          out.error_message = altered.error().message;
        }
        return response;
      },
      [](KafkaCall& owed, const kafka::AlterConfigsResponse& response) { owed.answer(response); });
}

}  // namespace logcask
