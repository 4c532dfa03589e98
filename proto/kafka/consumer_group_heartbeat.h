#pragma once
// ConsumerGroupHeartbeat (KIP-848): a member of a group whose partitions the broker shares out joins, says that it is
// alive and what it holds, hears what it is to hold, and leaves.

#include "proto/kafka/fields.h"

namespace logcask::kafka {

struct ConsumerGroupHeartbeatRequest {
  struct Topic {
    TopicId topic_id;
    std::vector<std::int32_t> partitions;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("TopicId", self.topic_id);
      io("Partitions", self.partitions);
    }
  };
  // What is null has not changed since the heartbeat before.
  std::string_view group_id;
  std::string_view member_id;
  std::int32_t member_epoch = 0;  // 0 joins, -1 leaves, -2 leaves for a while (static members)
  std::optional<std::string_view> instance_id;
  std::optional<std::string_view> rack_id;
  std::int32_t rebalance_timeout_ms = -1;
  std::optional<std::vector<std::string_view>> subscribed_topic_names;
  std::optional<std::string_view> subscribed_topic_regex;
  std::optional<std::string_view> server_assignor;
  std::optional<std::vector<Topic>> topic_partitions;  // that the member holds

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("GroupId", self.group_id);
    io("MemberId", self.member_id);
    io("MemberEpoch", self.member_epoch);
    io("InstanceId", self.instance_id, always().nullable());
    io("RackId", self.rack_id, always().nullable());
    io("RebalanceTimeoutMs", self.rebalance_timeout_ms);
    io("SubscribedTopicNames", self.subscribed_topic_names, always().nullable());
    io("SubscribedTopicRegex", self.subscribed_topic_regex, since(1).nullable(1));
    io("ServerAssignor", self.server_assignor, always().nullable());
    io("TopicPartitions", self.topic_partitions, always().nullable());
  }
};

struct ConsumerGroupHeartbeatResponse {
  struct Topic {
    TopicId topic_id;
    std::vector<std::int32_t> partitions;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("TopicId", self.topic_id);
      io("Partitions", self.partitions);
    }
  };
  struct Assignment {
    std::vector<Topic> topic_partitions;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("TopicPartitions", self.topic_partitions);
    }
  };
  std::int32_t throttle_time_ms = 0;
  std::int16_t error_code = 0;
  std::optional<std::string> error_message;
  std::optional<std::string> member_id;
  std::int32_t member_epoch = 0;
  std::int32_t heartbeat_interval_ms = 0;
  std::optional<Assignment> assignment;  // nothing: as it was

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("ThrottleTimeMs", self.throttle_time_ms);
    io("ErrorCode", self.error_code);
    io("ErrorMessage", self.error_message, always().nullable());
    io("MemberId", self.member_id, always().nullable());
    io("MemberEpoch", self.member_epoch);
    io("HeartbeatIntervalMs", self.heartbeat_interval_ms);
    io("Assignment", self.assignment, always().nullable());
  }
};

}  // namespace logcask::kafka
