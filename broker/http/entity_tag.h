#pragma once
// The ETag of a key's record: says which record it is, so that it can be a condition of a write (RFC 9110, 8.8.3).
//
// Opaque to clients. Made of the topic's id, the partition, the offset and the form that the record was shown in: two
// forms of one record are two representations, but a condition of a write is about the record alone.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/types.h"

namespace logcask {

struct EntityTag {
  TopicId topic_id;
  PartitionId partition;
  Offset offset;
  char form = kJson;

  static constexpr char kJson = 'j', kBase64 = 'b', kOctets = 'o';

  // With its quotes.
  std::string to_string() const;
  bool same_record(const EntityTag& other) const {
    return topic_id == other.topic_id && partition == other.partition && offset == other.offset;
  }
  friend bool operator==(const EntityTag&, const EntityTag&) = default;
};

// The value of an If-Match or If-None-Match header.
struct TagList {
  bool any = false;             // "*"
  std::vector<EntityTag> tags;  // those that are ours; others match nothing
  std::size_t foreign = 0;
};

// invalid_argument when it is no list of tags. `strong`: a weak tag (W/) matches nothing, as If-Match has it.
Result<TagList> parse_tag_list(std::string_view text, bool strong = false);

}  // namespace logcask
