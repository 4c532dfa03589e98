#pragma once
// What a partition must answer, kept as plainly as possible: every record ever accepted, by offset.
//
// Records carry an id of their own (as their timestamp), so a record found in the log tells which append it came from.
// Compaction may take a record away only when a newer committed one of its key exists, or a tombstone below the
// horizon; whatever else is missing is a failure. The driver says what happened (assigned, reopened, lost), check_*
// compare.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/support/partition_fixture.h"

namespace logcask::testing {

struct ModelRecord {
  std::int64_t id = 0;
  std::string key;
  std::optional<std::string> value;  // nothing = tombstone
};

class Oracle {
 public:
  explicit Oracle(bool written_is_visible) : written_is_visible_(written_is_visible) {}

  // Records were given offsets from `base` on.
  void assigned(Offset base, const std::vector<ModelRecord>& records);
  // These offsets were told to somebody: never again for anything else.
  void told(Offset base, std::size_t count);
  // The partition as it says it stands: nothing may move back. What lies at or above next_offset is dropped.
  void note(const PartitionSnapshot& snapshot);

  // The log after a stop. What is below `certain` must have survived; the rest may have, at its own offset. That goes
  // for appends that failed, too: half a write may have landed before the disk refused it.
  void reopened(PartitionFixture& fixture, Offset certain, bool power_loss = false);
  // Compares everything a reader can ask.
  void check(PartitionFixture& fixture);
  // The same of one key, and of one record that a reader was given when everything below `end` was visible.
  void check_lookup(PartitionFixture& fixture, const std::string& key);
  void check_read(const PartitionFixture::Stored& stored, Offset end) const;

  // What a later state of the same run knows is at most uncertain to this one.
  void may_also_hold(const Oracle& later);

  Offset committed() const { return committed_; }
  Offset written() const { return written_; }
  Offset log_start() const { return log_start_; }
  // Where the record with this id lies, as far as it was not lost.
  std::optional<Offset> place_of(std::int64_t id) const;

  // The newest record of a key below `end`: what a condition sees with next_offset, a reader with the visible end.
  struct Newest {
    Offset offset = kNoOffset;
    const ModelRecord* record = nullptr;
    bool live() const { return record && record->value.has_value(); }
    // The tombstone may have been cleaned away.
    bool may_be_absent = false;
  };
  Newest newest(const std::string& key, Offset end) const;
  const std::map<Offset, ModelRecord>& log() const { return log_; }

 private:
  void check_fetch(const std::vector<PartitionFixture::Stored>& stored, Offset end) const;
  void check_key(PartitionFixture& fixture, const std::string& key, Offset end) const;
  void check_replay(PartitionFixture& fixture) const;
  void check_counts(PartitionFixture& fixture) const;
  bool may_be_gone(Offset offset, const ModelRecord& record) const;

  bool written_is_visible_;
  std::map<Offset, ModelRecord> log_;      // all that was assigned and is not known to be lost
  std::map<std::int64_t, Offset> places_;  // of ids
  struct Told {
    std::int64_t id = 0;
    bool shown = false;  // to readers; else only to a producer, which counts as long as the machine runs
  };
  std::map<Offset, Told> told_;                                 // for ever
  std::map<std::int64_t, std::pair<Offset, ModelRecord>> cut_;  // by id: dropped from the end since the last opening
  std::set<std::string> keys_;
  Offset committed_, written_, next_, log_start_, horizon_;
  LeaderEpoch epoch_;
};

}  // namespace logcask::testing
