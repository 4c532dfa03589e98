#pragma once
// What a topic may be called. Pure functions.

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace logcask {

inline constexpr std::size_t kTopicNameBytesMax = 200;
inline constexpr std::string_view kInternalPrefix = "__";
inline constexpr std::string_view kMetadataTopic = "__logcask_metadata";
inline constexpr std::string_view kOffsetsTopic = "__consumer_offsets";

// 1 to kTopicNameBytesMax of [A-Za-z0-9._-], not "." or ".."; invalid_topic_name otherwise. Quotes at most 100 bytes of
// the name.
Status check_topic_name(std::string_view name);
inline bool is_internal_topic(std::string_view name) { return name.starts_with(kInternalPrefix); }
// Two names that differ only in case, or in '.' for '_', cannot both exist: some file systems would put them in one
// directory, and Kafka refuses the latter, for they would be one name in its metrics.
std::string fold_topic_name(std::string_view name);

}  // namespace logcask
