#pragma once
// Turns the record batches of one partition's answer into records: checks CRCs, decompresses, skips control
// batches and records below the position. Sans-I/O.
//
// Owned by a consumer or replay, used by its thread. The views it yields live until forget().

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "client/buffer.h"
#include "logcask/record.h"
#include "proto/record_batch.h"

namespace logcask::client {

class ChunkDecoder {
 public:
  explicit ChunkDecoder(std::size_t max_batch_bytes) : max_batch_bytes_(max_batch_bytes) {}

  // `bytes` lies in `owner`. Follows what was decoded before; the earlier views stay.
  void begin(PartitionId partition, std::shared_ptr<const Buffer> owner, ByteView bytes, Offset position);
  // Appends records up to `max_records` in `out`; false when the chunk is used up. corrupt_message names the offset.
  Result<bool> decode(std::vector<ReadRecord>& out, std::size_t max_records);
  // Behind the last record or batch decoded.
  Offset position() const { return position_; }
  bool done() const { return bytes_.empty() && !cursor_; }
  // Gives up the rest of the chunk; the views stay.
  void abandon();
  // Lets go of everything but the chunk at hand. Drops that too with `all`.
  void forget(bool all = false);

 private:
  Result<bool> next_batch();

  const std::size_t max_batch_bytes_;
  PartitionId partition_;
  std::shared_ptr<const Buffer> owner_;
  ByteView bytes_;  // batches not yet begun
  Offset position_;
  Offset batch_next_;
  std::optional<RecordCursor> cursor_;
  std::vector<std::shared_ptr<const Buffer>> kept_;
  std::deque<std::string> scratch_;  // decompressed batches that views point into
};

}  // namespace logcask::client
