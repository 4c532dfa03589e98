#pragma once
// Where the keys of a batch stand, on a topic whose partitioner is `any`: clients of other kinds have put them where
// they like, and a write by key must meet the value it is about.
//
// A key stands where its newest record is a value; a tombstone holds nothing. One that stands nowhere belongs where the
// sender has put it. Of several places a value goes to the newest, a tombstone to each, one after the other; a
// condition has no single record to be about and is refused. A condition on the offset of a tombstone goes where that
// tombstone is.
// A partition that cannot say what it holds (loading, offline, damaged) refuses tombstones and conditions, which would
// miss a value; other records may pass, for the newest value wins.
// Probes and append are two steps: a record that another client writes elsewhere between them is not seen
// (docs/KAFKA.md).
// Threads: any; asks every partition once, and reads the disk only for keys that stand in several.

#include <optional>
#include <vector>

#include "broker/topics/topics.h"
#include "partition/append_types.h"

namespace logcask {

struct KeyHomes {
  std::vector<AppendResult::Elsewhere> moves;  // records that belong to another partition
  std::vector<AppendResult::Elsewhere> also;   // tombstones that belong here, and there as well
  std::vector<std::uint32_t> ambiguous;        // values of keys that stand here and elsewhere
};

// Whether a batch placed by key has to be looked after at all.
bool keys_may_stand_elsewhere(const Topic& topic);
// wrong_partition: a condition on a key that stands in several partitions; `refused` names the record. Else the error
// of a partition that cannot say what it holds.
Result<KeyHomes> find_key_homes(const TopicPtr& topic, PartitionId at, const PreparedBatch& batch,
                                const KeyHasher& hasher, std::optional<std::uint32_t>& refused);

}  // namespace logcask
