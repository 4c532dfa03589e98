// GET /v1/topics and /v1/topics/TOPIC.
#include <utility>
#include <vector>

#include "base/json_writer.h"
#include "broker/http/resources/parameters.h"
#include "broker/http/resources/resources.h"
#include "broker/settings/topic_settings.h"

namespace logcask {
namespace {

void append_topic(JsonWriter& json, const Topic& topic) {
  json.field("topic", topic.record.name)
      .field("topic_id", topic.record.id.to_hex())
      .field("partitions", topic.partitions.size())
      .field("compacted", topic.config.partition.compacted)
      .field("partitioner", partitioner_name(topic.config.partitioner))
      .field("internal", topic.internal);
}

void append_partition(JsonWriter& json, std::size_t number, const PartitionSnapshot& state) {
  json.begin()
      .field("partition", number)
      .field("state", state_name(state.state))
      .field("reason", state.reason)
      .field("log_start_offset", state.log_start_offset.value())
      .field("high_watermark", state.committed_end.value())
      .field("next_offset", state.next_offset.value())
      .field("live_keys", state.live_keys)
      .field("deleted_keys", state.deleted_keys)
      .field("keydir_bytes", state.keydir_bytes)
      .field("size_bytes", state.size_bytes)
      .field("segments", state.segments)
      .field("loading_progress", state.loading_progress)
      .end();
}

}  // namespace

void handle_list_topics(HttpCall call, HttpRequest request) {
  if (auto known = check_parameters(request, {}); !known.ok()) return call.refuse(known.error());
  HttpAnswer answer;
  JsonWriter json(answer.body);
  json.begin().name("topics").begin_list();
  for (const TopicPtr& topic : call.services().admin.list_topics(call.protocol().context().principal, false)) {
    json.begin();
    append_topic(json, *topic);
    json.end();
  }
  json.end_list().end();
  answer.body += '\n';
  call.answer(std::move(answer));
}

void handle_describe_topic(HttpCall call, HttpRequest request) {
  if (auto known = check_parameters(request, {}); !known.ok()) return call.refuse(known.error());
  const auto topic = call.services().admin.describe_topic(call.protocol().context().principal, request.segments[2]);
  if (!topic.ok()) return call.refuse(topic.error());
  HttpAnswer answer;
  JsonWriter json(answer.body);
  json.begin();
  append_topic(json, **topic);
  json.name("settings").begin();
  for (const TopicSettingValue& setting : list_topic_settings((*topic)->record.settings))
    json.field(setting.name, setting.value);
  json.end().name("partition_states").begin_list();
  std::size_t number = 0;
  for (const auto& partition : (*topic)->partitions) append_partition(json, number++, partition->snapshot());
  json.end_list().end();
  answer.body += '\n';
  call.answer(std::move(answer));
}

}  // namespace logcask
