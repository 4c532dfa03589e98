#pragma once
// A record as the command line prints and takes it. Null and empty are different things for key and value.

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/types.h"

namespace logcask::cli {

using HeaderView = std::pair<ByteView, std::optional<ByteView>>;

// On the way out. Views belong to whoever handed the record over.
struct RecordOut {
  std::string_view topic;
  PartitionId partition;
  Offset offset;
  TimestampMs timestamp;
  std::optional<ByteView> key;
  std::optional<ByteView> value;  // null = tombstone
  std::vector<HeaderView> headers;
  bool key_only = false;  // what the value is has not been read; of a tombstone it is known
};

// On the way in. Where a record was (topic, partition, offset) is not taken over: `produce` decides that anew.
struct RecordIn {
  std::optional<std::string> key;
  std::optional<std::string> value;
  std::optional<TimestampMs> timestamp;
  std::vector<std::pair<std::string, std::optional<std::string>>> headers;
};

}  // namespace logcask::cli
