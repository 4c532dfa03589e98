#pragma once
// Where a replay stands, as opaque bytes the client keeps: after a reconnect it goes on from there.
//
// version u8 = 2 | flags u8 (bit 0: live only) | topic id 16 | partitions u32 | per partition: partition i32, phase u8,
// position i64, epoch i32, walk end i64, tail mark i64, horizon at start i64, run u64 | CRC32C u32. Big-endian.
// Version 1 has no run, and is read.
//
// A value. stale_token when the bytes are not a token of this build.

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/types.h"

namespace logcask {

enum class ReplayPhase : std::uint8_t {
  walk = 0,      // reading what was there when the replay began
  catch_up = 1,  // reading what came during the walk; the marker follows
  tail = 2,      // the marker has been sent
};

struct ReplayPosition {
  PartitionId partition;
  ReplayPhase phase = ReplayPhase::walk;
  Offset position;  // next to be read
  LeaderEpoch epoch;
  Offset walk_end;   // S_start: the walk reads below it, the tail from it on
  Offset tail_mark;  // S_end: the bound when the walk ended; the marker comes when the tail has passed it
  Offset horizon_at_start;
  RunId run = kNoRun;  // of reach(): tells this log from another
  // The highest of the offsets: what lies below is what the replay has been told of.
  Offset reach() const { return std::max({position, walk_end, tail_mark}); }
  friend bool operator==(const ReplayPosition&, const ReplayPosition&) = default;
};

struct ReplayToken {
  TopicId topic_id;
  bool live_only = true;
  std::vector<ReplayPosition> partitions;
  friend bool operator==(const ReplayToken&, const ReplayToken&) = default;
};

std::string encode_replay_token(const ReplayToken& token);
Result<ReplayToken> decode_replay_token(ByteView bytes);

}  // namespace logcask
