#pragma once
// The directory that the damage sweep damages, and what must be read from it.
//
// Made by a partition behind its real door: seven closed segments (one rewritten by compaction with a dropped tombstone
// and log start inside it, one per codec, one with a large batch), an active one with a partial hint, every kind of
// file that belongs to them, and the contents that each file had earlier.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/partition_fixture.h"

namespace logcask::testing {

struct DataSet {
  std::string name;
  PartitionConfig config;
  std::map<std::string, std::string> files;
  std::map<std::string, std::vector<std::string>> older;  // earlier contents of each file, no two alike
  // What is read from it.
  std::map<Offset, std::string> batches;  // by base offset, as fetch serves them
  std::vector<PartitionFixture::Stored> records;
  std::vector<std::string> keys;  // all that were ever written, and one that was not
  Offset log_start;
  Offset promised_end;  // below: acknowledged by the disk
  Offset end;
  // Each producer's last batch: must be a duplicate as long as the log can be read.
  std::vector<std::string> last_batches;

  std::unique_ptr<MemoryFileSystem> disk() const;
};

// Stopped by kill -9 with everything synced, and with a written tail that no sync has covered.
DataSet make_synced_set();
DataSet make_written_set();

}  // namespace logcask::testing
