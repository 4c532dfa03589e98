#pragma once
// The topic a load writes to, from its flags: --broker --topic --partitions --config k=v,... and --acks.

#include <cstdint>
#include <map>
#include <string>

#include "bench/flags.h"
#include "logcask/client.h"
#include "logcask/producer.h"

namespace logcask::bench {

struct TopicFlags {
  std::string broker;
  std::string name;
  std::uint32_t partitions = 1;
  std::map<std::string, std::string> config;
};

TopicFlags read_topic_flags(Flags& flags);
client::Acks read_acks(Flags& flags);
// Leaves one that exists as it is.
void create_topic(const client::Client& client, const TopicFlags& topic);

}  // namespace logcask::bench
