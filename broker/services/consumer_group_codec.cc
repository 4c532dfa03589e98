#include "broker/services/consumer_group_codec.h"

#include <utility>

#include "base/coding.h"
#include "base/utf8.h"
#include "proto/kafka/reader.h"
#include "proto/kafka/writer.h"

namespace logcask {
namespace {

enum class RecordKind : std::int16_t {
  group = 3,
  member = 5,
  target = 6,
  member_target = 7,
  member_current = 8,
};

// ---- values, as Kafka's schemas have them

struct GroupValue {
  std::int32_t epoch = 0;
  std::int64_t metadata_hash = 0;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("Epoch", self.epoch);
    io.tagged(0, "MetadataHash", self.metadata_hash);
  }
};

struct MemberValue {
  std::optional<std::string> instance_id;
  std::optional<std::string> rack_id;
  std::string client_id;
  std::string client_host;
  std::vector<std::string> subscribed_topic_names;
  std::optional<std::string> subscribed_topic_regex;
  std::int32_t rebalance_timeout_ms = -1;
  std::optional<std::string> server_assignor;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("InstanceId", self.instance_id, kafka::always().nullable());
    io("RackId", self.rack_id, kafka::always().nullable());
    io("ClientId", self.client_id);
    io("ClientHost", self.client_host);
    io("SubscribedTopicNames", self.subscribed_topic_names);
    io("SubscribedTopicRegex", self.subscribed_topic_regex, kafka::always().nullable());
    io("RebalanceTimeoutMs", self.rebalance_timeout_ms);
    io("ServerAssignor", self.server_assignor, kafka::always().nullable());
  }
};

struct TargetValue {
  std::int32_t assignment_epoch = 0;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("AssignmentEpoch", self.assignment_epoch);
  }
};

struct StoredPartitions {
  TopicId topic_id;
  std::vector<std::int32_t> partitions;
  std::optional<std::vector<std::int32_t>> assignment_epochs;  // of each; not in a target

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("TopicId", self.topic_id);
    io("Partitions", self.partitions);
    io.tagged(0, "AssignmentEpochs", self.assignment_epochs, kafka::always().nullable());
  }
};

struct MemberTargetValue {
  std::vector<StoredPartitions> topic_partitions;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("TopicPartitions", self.topic_partitions);
  }
};

struct MemberCurrentValue {
  std::int32_t member_epoch = 0;
  std::int32_t previous_member_epoch = 0;
  std::int8_t state = 0;
  std::vector<StoredPartitions> assigned_partitions;
  std::vector<StoredPartitions> partitions_pending_revocation;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("MemberEpoch", self.member_epoch);
    io("PreviousMemberEpoch", self.previous_member_epoch);
    io("State", self.state);
    io("AssignedPartitions", self.assigned_partitions);
    io("PartitionsPendingRevocation", self.partitions_pending_revocation);
  }
};

constexpr kafka::Layout kValueLayout{0, true};

template <class Value>
std::string encode_value(const Value& value) {
  kafka::Written out;
  ByteWriter(out.bytes).fixed(std::int16_t{0});
  // No text of a member is longer than a string of the newer form has room for.
  static_cast<void>(kafka::Writer(out, kValueLayout).write(value));
  return std::move(out.bytes);
}

template <class Value>
Result<Value> decode_value(ByteView bytes) {
  ByteReader head(bytes);
  const auto version = head.fixed<std::int16_t>();
  if (!head.ok() || version != 0)
    return Error{Errc::corrupt_message, "a consumer group's record of unknown version " + std::to_string(version)};
  Value value;
  if (Status read = kafka::Reader(bytes.substr(sizeof version), kValueLayout).read(value); !read.ok())
    return Error{Errc::corrupt_message, "a consumer group's record: " + read.error().message};
  return value;
}

std::vector<StoredPartitions> to_stored(const TopicPartitions& all) {
  std::vector<StoredPartitions> stored;
  for (const auto& [topic, partitions] : all) {
    StoredPartitions& one = stored.emplace_back();
    one.topic_id = topic;
    for (const PartitionId partition : partitions) one.partitions.push_back(partition.value());
  }
  return stored;
}

TopicPartitions from_stored(const std::vector<StoredPartitions>& stored) {
  TopicPartitions all;
  for (const StoredPartitions& one : stored)
    for (const std::int32_t partition : one.partitions) all[one.topic_id].emplace(partition);
  return all;
}

std::optional<std::string> text_or_nothing(const std::optional<std::string>& text) {
  return text ? std::optional(utf8_text(*text)) : std::nullopt;
}

std::string key_of(RecordKind kind, const std::string& group) {
  std::string key;
  ByteWriter writer(key);
  writer.fixed(static_cast<std::int16_t>(kind));
  writer.short_string(group);
  return key;
}

std::string key_of(RecordKind kind, const std::string& group, const MemberId& member) {
  std::string key = key_of(kind, group);
  ByteWriter(key).short_string(member.text());
  return key;
}

MemberValue to_member_value(const ConsumerMember& member) {
  MemberValue value;
  if (member.instance_id) value.instance_id = member.instance_id->text();
  value.rack_id = member.rack_id;
  value.client_id = member.client_id;
  value.client_host = member.client_host;
  value.subscribed_topic_names.assign(member.topics.begin(), member.topics.end());
  if (!member.topic_regex.empty()) value.subscribed_topic_regex = member.topic_regex;
  value.rebalance_timeout_ms = member.rebalance_timeout_ms;
  value.server_assignor = member.assignor;
  return value;
}

void from_member_value(const MemberValue& value, ConsumerMember& member) {
  if (value.instance_id) member.instance_id = GroupInstanceId(utf8_text(*value.instance_id));
  member.rack_id = text_or_nothing(value.rack_id);
  member.client_id = utf8_text(value.client_id);
  member.client_host = utf8_text(value.client_host);
  member.topics = {value.subscribed_topic_names.begin(), value.subscribed_topic_names.end()};
  member.topic_regex = value.subscribed_topic_regex.value_or(std::string());
  member.rebalance_timeout_ms = value.rebalance_timeout_ms;
  member.assignor = text_or_nothing(value.server_assignor);
}

std::vector<StoredPartitions> to_stored_with_epochs(const TopicPartitions& all, const ConsumerMember& member) {
  auto stored = to_stored(all);
  for (StoredPartitions& one : stored) {
    auto& epochs = one.assignment_epochs.emplace();
    const auto& had_since = member.had_since.at(one.topic_id);
    for (const std::int32_t partition : one.partitions) epochs.push_back(had_since.at(PartitionId(partition)).value());
  }
  return stored;
}

// Where they are not told (Kafka before 4.3) it is as if the member had got them just now.
void read_epochs(const std::vector<StoredPartitions>& stored, ConsumerMember& member) {
  for (const StoredPartitions& one : stored)
    for (std::size_t i = 0; i < one.partitions.size(); ++i) {
      const bool told = one.assignment_epochs && i < one.assignment_epochs->size();
      member.had_since[one.topic_id][PartitionId(one.partitions[i])] =
          told ? GroupEpoch((*one.assignment_epochs)[i]) : member.epoch;
    }
}

std::string encode_current(const ConsumerMember& member) {
  MemberCurrentValue value;
  value.member_epoch = member.epoch.value();
  value.previous_member_epoch = member.previous_epoch.value();
  value.state = static_cast<std::int8_t>(member.state);
  value.assigned_partitions = to_stored_with_epochs(member.assigned, member);
  value.partitions_pending_revocation = to_stored_with_epochs(member.pending_revocation, member);
  return encode_value(value);
}

void from_current_value(const MemberCurrentValue& value, ConsumerMember& member) {
  member.epoch = GroupEpoch(value.member_epoch);
  member.previous_epoch = GroupEpoch(value.previous_member_epoch);
  const bool known =
      value.state >= 0 && value.state <= static_cast<std::int8_t>(ConsumerMemberState::unreleased_partitions);
  member.state = known ? static_cast<ConsumerMemberState>(value.state) : ConsumerMemberState::stable;
  member.assigned = from_stored(value.assigned_partitions);
  member.pending_revocation = from_stored(value.partitions_pending_revocation);
  member.had_since.clear();
  read_epochs(value.assigned_partitions, member);
  read_epochs(value.partitions_pending_revocation, member);
}

std::string encode_target(const TopicPartitions& target) { return encode_value(MemberTargetValue{to_stored(target)}); }

class Changes {
 public:
  Changes(const ConsumerGroup& before, const ConsumerGroup& after) : before_(before), after_(after) {}

  // Who has gone first, so that a reader never finds an instance id twice.
  std::vector<InternalRecord> all() {
    for (const auto& [id, member] : before_.members())
      if (!after_.find(id)) gone(id);
    for (const auto& [id, member] : after_.members()) put_member(id, *member);
    for (const auto& [id, target] : after_.targets()) put_target(id, *target);
    const bool same_group = before_.epoch() == after_.epoch() && before_.topics_hash() == after_.topics_hash();
    if (!same_group)
      put(key_of(RecordKind::group, after_.name()),
          encode_value(GroupValue{after_.epoch().value(), after_.topics_hash()}));
    if (before_.target_epoch() != after_.target_epoch())
      put(key_of(RecordKind::target, after_.name()), encode_value(TargetValue{after_.target_epoch().value()}));
    return std::move(records_);
  }

  void gone(const MemberId& id) {
    for (const RecordKind kind : {RecordKind::member_current, RecordKind::member_target, RecordKind::member})
      records_.push_back({key_of(kind, after_.name(), id), std::nullopt});
  }

 private:
  void put(std::string key, std::string value) { records_.push_back({std::move(key), std::move(value)}); }

  void put_member(const MemberId& id, const ConsumerMember& member) {
    const ConsumerMember* old = before_.find(id);
    if (old == &member) return;
    std::string value = encode_value(to_member_value(member));
    if (!old || encode_value(to_member_value(*old)) != value)
      put(key_of(RecordKind::member, after_.name(), id), std::move(value));
    std::string current = encode_current(member);
    if (!old || encode_current(*old) != current)
      put(key_of(RecordKind::member_current, after_.name(), id), std::move(current));
  }

  void put_target(const MemberId& id, const TopicPartitions& target) {
    const auto old = before_.targets().find(id);
    if (old != before_.targets().end() && (old->second.get() == &target || *old->second == target)) return;
    put(key_of(RecordKind::member_target, after_.name(), id), encode_target(target));
  }

  const ConsumerGroup& before_;
  const ConsumerGroup& after_;
  std::vector<InternalRecord> records_;
};

Status take_group_record(RecordKind kind, const std::string& name, const std::optional<ByteView>& value,
                         std::map<std::string, ConsumerGroup::Stored>& groups) {
  if (kind == RecordKind::group && !value) {
    groups.erase(name);
    return {};
  }
  if (!value) return {};
  if (kind == RecordKind::group) {
    LOGCASK_ASSIGN(const auto read, decode_value<GroupValue>(*value));
    groups[name].epoch = GroupEpoch(read.epoch);
    groups[name].topics_hash = read.metadata_hash;
  } else {
    LOGCASK_ASSIGN(const auto read, decode_value<TargetValue>(*value));
    groups[name].target_epoch = GroupEpoch(read.assignment_epoch);
  }
  return {};
}

Status take_member_record(RecordKind kind, const std::string& name, const MemberId& id,
                          const std::optional<ByteView>& value, std::map<std::string, ConsumerGroup::Stored>& groups) {
  if (!value) {
    const auto group = groups.find(name);
    if (group == groups.end()) return {};
    if (kind == RecordKind::member) group->second.members.erase(id);
    if (kind == RecordKind::member_target) group->second.targets.erase(id);
    return {};
  }
  switch (kind) {
    case RecordKind::member: {
      LOGCASK_ASSIGN(const auto read, decode_value<MemberValue>(*value));
      from_member_value(read, groups[name].members[id]);
      break;
    }
    case RecordKind::member_target: {
      LOGCASK_ASSIGN(const auto read, decode_value<MemberTargetValue>(*value));
      groups[name].targets[id] = from_stored(read.topic_partitions);
      break;
    }
    default: {
      LOGCASK_ASSIGN(const auto read, decode_value<MemberCurrentValue>(*value));
      from_current_value(read, groups[name].members[id]);
    }
  }
  return {};
}

}  // namespace

std::vector<InternalRecord> changed_records(const ConsumerGroup& before, const ConsumerGroup& after) {
  return Changes(before, after).all();
}

std::vector<InternalRecord> deleted_records(const ConsumerGroup& group) {
  return {{key_of(RecordKind::target, group.name()), std::nullopt},
          {key_of(RecordKind::group, group.name()), std::nullopt}};
}

Result<bool> take_consumer_group_record(ByteView key, const std::optional<ByteView>& value,
                                        std::map<std::string, ConsumerGroup::Stored>& groups) {
  ByteReader reader(key);
  const auto kind = static_cast<RecordKind>(reader.fixed<std::int16_t>());
  const bool of_group = kind == RecordKind::group || kind == RecordKind::target;
  const bool of_member =
      kind == RecordKind::member || kind == RecordKind::member_target || kind == RecordKind::member_current;
  if (!reader.ok() || (!of_group && !of_member)) return false;
  const std::string name(reader.short_string());
  const MemberId id(of_member ? utf8_text(reader.short_string()) : std::string());
  if (!reader.at_end())
    return Error{Errc::corrupt_message, "a consumer group's key of __consumer_offsets has the wrong length"};
  LOGCASK_TRY(of_group ? take_group_record(kind, name, value, groups)
                       : take_member_record(kind, name, id, value, groups));
  return true;
}

}  // namespace logcask
