#pragma once
// Reads a log file front to back, batch by batch, in 1 MiB reads: recovery, hint and index rebuild, compaction, verify.
//
// Never believes the file's size: the end of data is what the caller says, 61 zero bytes where a header should be,
// or the first batch that is not sound. Stateless; memory is the largest batch plus 1 MiB.

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"
#include "base/types.h"
#include "proto/record_batch.h"
#include "segment/file.h"
#include "segment/segment_facts.h"

namespace logcask {

struct ScannedBatch {
  BatchHeader header;
  std::uint64_t position = 0;
  ByteView bytes;  // valid during the callback
};

// Return an error to stop the scan with it.
using BatchCallback = std::function<Status(const ScannedBatch&)>;

struct ScanOptions {
  SegmentName name;
  // Where to start, and the base offset expected there (GEN 0) or the least one allowed (GEN > 0).
  std::uint64_t position = 0;
  Offset expected;
  // Bytes at and above are not looked at.
  std::uint64_t end_position = kMaxSegmentBytes;
  // Check each batch's CRC.
  bool check_crc = true;
};

struct ScanEnd {
  enum class Why {
    end_position,  // reached exactly
    end_of_file,   // the file ends exactly behind a batch
    zeros,         // 61 zero bytes, or fewer up to the file's end
    bad_batch,     // `reason` says what is wrong at `position`
  };
  Why why = Why::end_of_file;
  std::uint64_t position = 0;  // behind the last sound batch
  Offset next_offset;
  std::string reason;
};

// Fails only with an error of the file or of the callback; a bad batch is a ScanEnd.
// From a scan of GEN 0, base offsets are contiguous from `expected`; of GEN > 0, they rise.
Result<ScanEnd> scan_batches(const File& file, const ScanOptions& options, const BatchCallback& take);

}  // namespace logcask
