#pragma once
// Reads a rewrite's inputs front to back and asks the keydir about every record on the way.
//
// Batches come in groups: one large batch, or small ones copied together until there are 64 records to ask about at
// once. Memory: the largest batch, decompressed, plus 48 bytes a record of one group. One thread.
// Errors: those of Segment::scan; corrupt_range when a batch cannot be decoded; whatever the callback returns.

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <vector>

#include "partition/compaction_port.h"

namespace logcask {

// Asked between groups with the bytes read and written since the last time: waits as long as the pace demands. An
// error (cancelled, shutting_down) ends the work with it.
using Pace = std::function<Status(std::uint64_t bytes_read, std::uint64_t bytes_written)>;

// A batch of a group. Its keyed records have answers [first_answer, first_answer + keyed) of the group.
struct ProbedBatch {
  BatchHeader header;
  ByteView bytes;
  ByteView records;  // decompressed
  std::size_t first_answer = 0;
};

struct ProbedGroup {
  std::vector<ProbedBatch> batches;
  std::vector<KeyIdentity> identities;
  std::vector<ProbeAnswer> answers;
};

using GroupCallback = std::function<Status(const ProbedGroup&)>;

class InputReader {
 public:
  // Every record asked about is reported to the port as probed: what becomes of it later is the port's to remember.
  explicit InputReader(CompactionPort& port) : port_(port) {}

  // Reads the whole segment. Views of a group live during the callback.
  Status read(const Segment& segment, const GroupCallback& take);

 private:
  Status add(const ScannedBatch& batch, const GroupCallback& take);
  Status flush(const GroupCallback& take);
  Status probe(ByteView bytes, const GroupCallback& take);
  Status decode(ByteView bytes);
  void ask();

  CompactionPort& port_;
  const Segment* segment_ = nullptr;
  std::string small_;  // batches copied together
  std::size_t small_records_ = 0;
  ProbedGroup group_;
  std::vector<Offset> offsets_;
  std::deque<std::string> scratch_;  // one per compressed batch of the group
  std::size_t scratch_used_ = 0;
};

}  // namespace logcask
