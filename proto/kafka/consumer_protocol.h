#pragma once
// What Kafka's consumers tell each other through the coordinator of their group, which passes it on unread: what a
// member reads (ConsumerProtocolSubscription, the metadata of its join), and its share (ConsumerProtocolAssignment).
//
// Members of either wire write and read this, so that they can be in one group, whoever leads it. Written is the oldest
// version that says all there is to say, as librdkafka does: 1 for the subscription, 0 for the assignment. Read is any
// version: a newer one begins with the fields of the older ones.

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "proto/kafka/fields.h"

namespace logcask::kafka {

struct TopicPartitions {
  std::string topic;
  std::vector<std::int32_t> partitions;

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("Topic", self.topic);
    io("Partitions", self.partitions);
  }
  friend bool operator==(const TopicPartitions&, const TopicPartitions&) = default;
};

struct ConsumerSubscription {
  std::vector<std::string> topics;
  std::optional<Bytes> user_data = Bytes();       // an assignor's own
  std::vector<TopicPartitions> owned_partitions;  // that a cooperative member has kept

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("Topics", self.topics);
    io("UserData", self.user_data, always().nullable());
    io("OwnedPartitions", self.owned_partitions, since(1));
  }
};

struct ConsumerAssignment {
  std::vector<TopicPartitions> assigned_partitions;
  std::optional<Bytes> user_data = Bytes();

  template <class Io, class Self>
  static void describe(Io& io, Self& self) {
    io("AssignedPartitions", self.assigned_partitions);
    io("UserData", self.user_data, always().nullable());
  }
};

// message_too_large for a topic's name above 32,767 bytes.
Result<std::string> encode_subscription(const ConsumerSubscription& subscription);
Result<std::string> encode_assignment(const ConsumerAssignment& assignment);
// malformed_frame names the field.
Result<ConsumerSubscription> decode_subscription(ByteView bytes);
// No bytes at all are what a member gets that its leader has left out: nothing.
Result<ConsumerAssignment> decode_assignment(ByteView bytes);

}  // namespace logcask::kafka
