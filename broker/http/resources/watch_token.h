#pragma once
// Where a watch over HTTP stands, as the id of its events: after a reconnect it goes on from there.
//
// base64url of: version u8 = 1 | topic id 16 | digest of the keys u32 | keys u32 | the offset last seen of each,
// varlong
// (-1: nothing) | partitions u32 | of each: i32, one past the highest offset seen i64, run u64 | CRC32C u32.
// Big-endian. A value. Opaque to clients.

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "broker/services/watch_service.h"

namespace logcask {

struct WatchToken {
  TopicId topic_id;
  std::uint32_t keys_digest = 0;
  std::vector<Offset> last_seen;  // one per key
  std::vector<SeenPosition> positions;

  static std::uint32_t digest(std::span<const std::string> keys);

  // What an event says.
  void seen(const LookupResult& event);
  void seen(PartitionId partition, RunId run);

 private:
  SeenPosition& position(PartitionId partition);
};

std::string encode_watch_token(const WatchToken& token);
// stale_token when the text is none.
Result<WatchToken> decode_watch_token(const std::string& text);

}  // namespace logcask
