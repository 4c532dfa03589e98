#pragma once
// What the partitions of a request take, each of which is worked on under the name of its topic, which the wire has
// once: a small frame must not become gigabytes.

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/mutant.h"
#include "base/types.h"
#include "broker/topics/topic_name.h"

namespace logcask {

inline constexpr std::size_t kNamedBytesMax = 32u << 20;

template <class Topic>
std::size_t named_bytes_of_topic(const Topic& topic) {
  std::size_t partitions = 0;
  if constexpr (requires { topic.partition_indexes.size(); })
    partitions = topic.partition_indexes.size();
  else if constexpr (requires { topic.partitions.size(); })
    partitions = topic.partitions.size();
  std::size_t name = 0;
  // An id may stand for the longest name.
  if constexpr (requires { topic.topic_id; })
    if (topic.topic_id != TopicId() && !mutant(Mutant::id_charged_as_no_name)) name = kTopicNameBytesMax;
  if constexpr (requires { topic.name.size(); })
    return partitions * (topic.name.size() + name + sizeof(std::string));
  else if constexpr (requires { topic.topic.size(); })
    return partitions * (topic.topic.size() + name + sizeof(std::string));
  else
    return 0;
}

template <class Topic>
std::size_t named_bytes_of(const std::vector<Topic>& topics) {
  std::size_t bytes = 0;
  for (const Topic& topic : topics) bytes += named_bytes_of_topic(topic);
  return bytes;
}
template <class Topic>
std::size_t named_bytes_of(const std::optional<std::vector<Topic>>& topics) {
  return topics ? named_bytes_of(*topics) : 0;
}

// Of all topics that the request names, also within groups and directories.
template <class Request>
std::size_t named_bytes(const Request& request) {
  std::size_t bytes = 0;
  if constexpr (requires { named_bytes_of(request.topics); }) bytes += named_bytes_of(request.topics);
  if constexpr (requires { request.groups.front().topics; })
    for (const auto& group : request.groups) bytes += named_bytes_of(group.topics);
  if constexpr (requires { request.directories.front().topics; })
    for (const auto& directory : request.directories) bytes += named_bytes_of(directory.topics);
  return bytes;
}

}  // namespace logcask
