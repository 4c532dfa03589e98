#pragma once
// ConsumerGroupDescribe (KIP-848): groups whose partitions the broker shares out, with what each member has and is to
// have. Version 1 says of what type a member is (KIP-1099).

#include "proto/kafka/fields.h"

namespace logcask::kafka {

struct ConsumerGroupDescribeRequest {
  std::vector<std::string_view> group_ids;
  bool include_authorized_operations = false;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("GroupIds", self.group_ids);
    io("IncludeAuthorizedOperations", self.include_authorized_operations);
  }
};

struct ConsumerGroupDescribeResponse {
  struct TopicPartitions {
    TopicId topic_id;
    std::string topic_name;
    std::vector<std::int32_t> partitions;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("TopicId", self.topic_id);
      io("TopicName", self.topic_name);
      io("Partitions", self.partitions);
    }
  };
  struct Assignment {
    std::vector<TopicPartitions> topic_partitions;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("TopicPartitions", self.topic_partitions);
    }
  };
  struct Member {
    std::string member_id;
    std::optional<std::string> instance_id;
    std::optional<std::string> rack_id;
    std::int32_t member_epoch = 0;
    std::string client_id;
    std::string client_host;
    std::vector<std::string> subscribed_topic_names;
    std::optional<std::string> subscribed_topic_regex;
    Assignment assignment;
    Assignment target_assignment;
    std::int8_t member_type = -1;  // 0 classic, 1 consumer

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("MemberId", self.member_id);
      io("InstanceId", self.instance_id, always().nullable());
      io("RackId", self.rack_id, always().nullable());
      io("MemberEpoch", self.member_epoch);
      io("ClientId", self.client_id);
      io("ClientHost", self.client_host);
      io("SubscribedTopicNames", self.subscribed_topic_names);
      io("SubscribedTopicRegex", self.subscribed_topic_regex, always().nullable());
      io("Assignment", self.assignment);
      io("TargetAssignment", self.target_assignment);
      io("MemberType", self.member_type, since(1));
    }
  };
  struct Group {
    std::int16_t error_code = 0;
    std::optional<std::string> error_message;
    std::string group_id;
    std::string group_state;
    std::int32_t group_epoch = 0;
    std::int32_t assignment_epoch = 0;
    std::string assignor_name;
    std::vector<Member> members;
    std::int32_t authorized_operations = kNoAuthorizedOperations;

    template <class Io, class Self>
    static void describe(Io& io, Self& self) {
      io("ErrorCode", self.error_code);
      io("ErrorMessage", self.error_message, always().nullable());
      io("GroupId", self.group_id);
      io("GroupState", self.group_state);
      io("GroupEpoch", self.group_epoch);
      io("AssignmentEpoch", self.assignment_epoch);
      io("AssignorName", self.assignor_name);
      io("Members", self.members);
      io("AuthorizedOperations", self.authorized_operations);
    }
  };
  std::int32_t throttle_time_ms = 0;
  std::vector<Group> groups;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("ThrottleTimeMs", self.throttle_time_ms);
    io("Groups", self.groups);
  }
};

}  // namespace logcask::kafka
