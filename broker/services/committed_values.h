#pragma once
// What consumer groups have committed, read from the offsets topic by key.
//
// Where damage may hide the newest record of a key, the newest one that can be read counts: whoever goes on from it
// reads some records again, and without it could not go on at all.
// Threads: any. Blocks on the disk: not on an I/O thread.

#include <functional>
#include <optional>
#include <vector>

#include "base/result.h"
#include "broker/door/partition_runner.h"
#include "broker/services/offset_commit_codec.h"

namespace logcask {

// Where the newest readable commit of a key is recorded, as a replay and the commits after it have it; -1: there is
// none. Asked for keys behind damage only.
using NewestReadable = std::function<Result<Offset>(const OffsetCommitKey& key)>;

// One per key, nothing where nothing is committed. Errors are those of PartitionRunner::get but for damage.
Result<std::vector<std::optional<OffsetCommitValue>>> read_committed_values(PartitionRunner& offsets,
                                                                            const std::vector<OffsetCommitKey>& keys,
                                                                            const NewestReadable& newest_readable);

}  // namespace logcask
