#include "bench/load_topic.h"

#include <algorithm>

#include "bench/figures.h"
#include "logcask/admin.h"

namespace logcask::bench {

TopicFlags read_topic_flags(Flags& flags) {
  TopicFlags topic;
  topic.broker = flags.text("broker", "127.0.0.1:7440");
  topic.name = flags.text("topic", "bench");
  topic.partitions = static_cast<std::uint32_t>(flags.number("partitions", 1));
  const std::string config = flags.text("config", "");
  for (std::size_t at = 0; at < config.size();) {
    const std::size_t end = std::min(config.find(',', at), config.size());
    const std::size_t equals = config.find('=', at);
    if (equals >= end) die("--config wants name=value,...");
    topic.config[config.substr(at, equals - at)] = config.substr(equals + 1, end - equals - 1);
    at = end + 1;
  }
  return topic;
}

client::Acks read_acks(Flags& flags) {
  const std::string acks = flags.text("acks", "all");
  if (acks == "0") return client::Acks::none;
  if (acks == "1") return client::Acks::one;
  if (acks != "all") die("--acks is 0, 1 or all");
  return client::Acks::all;
}

void create_topic(const client::Client& client, const TopicFlags& topic) {
  // A thousand partitions are several thousand files to sync.
  take(client::Admin(client).create_topic({topic.name, topic.partitions, topic.config, true}, {300'000}));
}

}  // namespace logcask::bench
