// DescribeTopic: settings and the state of every partition.
#include <vector>

#include "broker/native/requests/keydir_sizing.h"
#include "broker/native/requests/requests.h"
#include "broker/native/requests/wire.h"
#include "logcask/v1/native.pb.h"

namespace logcask {
namespace {

void describe_partition(const PartitionSnapshot& state, v1::DescribeTopicResponse::Partition& out) {
  out.set_state(std::string(state_name(state.state)));
  out.set_reason(utf8_text(state.reason));
  out.set_log_start_offset(state.log_start_offset.value());
  out.set_committed_end(state.committed_end.value());
  out.set_durable_end(state.durable_end.value());
  out.set_written_end(state.written_end.value());
  out.set_next_offset(state.next_offset.value());
  out.set_tombstone_horizon(state.tombstone_horizon.value());
  out.set_leader_epoch(state.leader_epoch.value());
  out.set_live_keys(state.live_keys);
  out.set_deleted_keys(state.deleted_keys);
  out.set_keydir_bytes(state.keydir_bytes);
  out.set_size_bytes(state.size_bytes);
  out.set_segments(state.segments);
  out.set_pending_records(state.pending_records);
  out.set_collisions(state.collisions);
  out.set_loading_progress(state.loading_progress);
  out.set_compaction_quarantined(state.compaction_quarantined);
  out.set_quarantine_reason(utf8_text(state.quarantine_reason));
}

}  // namespace

void handle_describe_topic(const NativeRequest& request) {
  const auto topic =
      request.services().admin.describe_topic(request.protocol.principal(), request.header.describe_topic().name());
  if (!topic.ok()) return request.refuse(topic.error());
  v1::ResponseHeader response;
  response.set_correlation_id(request.correlation_id);
  v1::DescribeTopicResponse& body = *response.mutable_describe_topic();
  body.set_name((*topic)->record.name);
  body.set_topic_id(id_bytes((*topic)->record.id));
  body.set_internal((*topic)->internal);
  for (TopicSettingValue& setting : list_topic_settings((*topic)->record.settings)) {
    v1::DescribeTopicResponse::Setting& out = *body.add_settings();
    out.set_name(std::move(setting.name));
    out.set_value(std::move(setting.value));
    out.set_is_default(setting.is_default);
  }
  std::vector<PartitionSnapshot> snapshots;
  for (const auto& partition : (*topic)->partitions) {
    v1::DescribeTopicResponse::Partition& out = *body.add_partitions();
    out.set_partition(static_cast<std::uint32_t>(snapshots.size()));
    describe_partition(snapshots.emplace_back(partition->snapshot()), out);
  }
  if ((*topic)->config.partition.compacted) {
    const TopicSizing sizing = request.services().admin.sizing_of(**topic, snapshots);
    encode_keydir_use(sizing.use, *body.mutable_sizing());
    if (sizing.keys_per_record) body.mutable_sizing()->set_keys_per_record(*sizing.keys_per_record);
    body.mutable_sizing()->set_note(sizing.note);
  }
  request.protocol.send(response);
}

}  // namespace logcask
