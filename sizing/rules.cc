#include "sizing/rules.h"

namespace logcask::sizing {
namespace {

constexpr Rule kRules[] = {
    {kKeydirRam,
     "Every key of a compacted topic has an entry in RAM, whatever the size of its value: RAM = keys x cost of a key. "
     "The model logcask counts 20 bytes, measured and independent of the key's length; the model bitcask 44.5 bytes "
     "and the key. Rejected when the node's budget is exceeded (verdict OOM), or when the keys spread over "
     "max-partitions still exceed the budget of one partition: no knob mends that, use an LSM tree. Warned when the "
     "topic's own budget (keydir.max.bytes) is exceeded, when one partition exceeds its budget and more partitions "
     "would not (add partitions), above three quarters of a budget (TIGHT), and above a quarter of the node's, since "
     "keys grow."},
    {kRangeQuery,
     "The key directory is a hash and has no order: a range or prefix lookup would read the whole log. Rejected, no "
     "knob mends it. An LSM tree or a B+ tree keeps keys in order."},
    {kSyncStrategy,
     "Compares what a power loss may take with what may be lost. sync every loses nothing acknowledged (acks=all, "
     "group commit); sync interval up to flush.ms of acknowledged writes, which must be less than max-loss; sync none "
     "has no bound. Mended by flush.ms, or by sync every."},
    {kTombstone,
     "A delete is a tombstone, dropped by compaction delete.retention.ms after everything older of its key is gone: a "
     "deleted value never comes back. But a reader who was away longer sees a key that was deleted and written again "
     "as one that only changed. delete.mode=keep keeps tombstones for ever, and their RAM."},
    {kMergeCadence,
     "Compaction rewrites a closed segment once dead-percent of it is dead. Sooner writes more: each byte about 1 + (1 "
     "- d) / d x u / (1 + u) times, for a share d and u updates a key; later keeps more dead bytes. The disk may reach "
     "2.5 times the live bytes (1 / (1 - d) where d is above 60 %), or eight segments a partition beside them, "
     "whichever is more, but not more than what was written; with off-peak also what is written while the window is "
     "closed. A key that is deleted and written again counts as two updates at least. Warned when a record does not "
     "fit a segment, when that is above the disk, when segments are large beside the data, when d is above 60 %, and "
     "when bursts of writes and compaction would meet (mended by off-peak)."},
    {kHintFiles,
     "A restart reads hints, 24 bytes a key, instead of logs. Estimated from a measured restart of 10 million keys: 83 "
     "ns a key after a clean stop, 102 ns after SIGKILL, and without hints 2.4 ns a byte of log. Hints are always "
     "written; there is no knob that turns them off. Warned when lookups would wait longer than max-restart."},
    {kVerdictRule,
     "Of the RAM that all keys of the node need and its budget, or of the topic's keys and keydir.max.bytes where that "
     "is fuller: OOM above the budget, TIGHT above three quarters, else FITS. Exactly 75 % fits, exactly 100 % is "
     "tight. The live broker's word (logcask health) is the same function."},
    {kEngineRule,
     "LSM tree when a range is wanted; LSM tree when the keys exceed the node's budget, or the budget of a partition "
     "times max-partitions; else logcask, with delete.mode=keep where keys are deleted and written again. Stores of "
     "this kind change engines somewhere between 100 million and 1 billion keys."},
    {kScoresRule,
     "Three scores of 1 to 5. Throughput and durability: more is better; complexity: less is better. Each begins at a "
     "fixed number, and every rule that moves it is named beside it. They compare plans with each other, and nothing "
     "else."},
    {kSumsRule,
     "The sums the other way round: keys that the RAM budget has room for, the disk that those keys fill (their hints "
     "included, where the model has hints), and the RAM that a full disk needs (disk, else 1 TiB)."},
};

}  // namespace

std::span<const Rule> rules() { return kRules; }

const Rule* find_rule(std::string_view name) {
  for (const Rule& rule : kRules)
    if (rule.name == name) return &rule;
  return nullptr;
}

}  // namespace logcask::sizing
