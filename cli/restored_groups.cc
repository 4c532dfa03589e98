#include "cli/restored_groups.h"

#include <map>
#include <optional>
#include <utility>

#include "broker/door/committed_records.h"
#include "broker/services/offset_commit_codec.h"
#include "segment/batch_scan.h"

namespace logcask::cli {
namespace {

constexpr std::size_t kCommitsPerBatch = 1000;

using Commits = std::map<OffsetCommitKey, OffsetCommitValue>;

// The last one of each key counts; a tombstone takes it away.
Status read_segment(Directory& directory, const SegmentFacts& facts, Commits& commits) {
  LOGCASK_ASSIGN(const auto file, directory.open(backup_segment_name(facts), OpenMode::read));
  ScanOptions options;
  options.name = facts.name;
  options.expected = facts.name.base;
  options.end_position = facts.size_bytes;
  const auto take = [&](const RecordView& record) {
    if (!record.key) return;
    const auto key = decode_offset_commit_key(*record.key);
    if (!key.ok() || !*key) return;  // of another kind
    if (!record.value) {
      commits.erase(**key);
      return;
    }
    auto value = decode_offset_commit_value(*record.value);
    if (value.ok()) commits.insert_or_assign(**key, std::move(value).value());
  };
  LOGCASK_ASSIGN(const ScanEnd end, scan_batches(*file, options, [&](const ScannedBatch& batch) {
                   return for_each_record(batch.bytes, take);
                 }));
  if (end.position == facts.size_bytes) return {};
  return Error{Errc::corrupt_file, directory.path() + "/" + backup_segment_name(facts) + " at position " +
                                       std::to_string(end.position) + ": " + end.reason};
}

Result<Commits> read_commits(Directory& backup, const BackupTopic& groups) {
  Commits commits;
  for (std::size_t i = 0; i < groups.partitions.size(); ++i) {
    LOGCASK_ASSIGN(const auto directory,
                   backup.open_directory(backup_partition_name(groups, PartitionId(static_cast<std::int32_t>(i)))));
    LOGCASK_ASSIGN(const Manifest manifest, read_backup_manifest(*directory, groups.partitions[i].manifest_digest));
    for (const ManifestSegment& segment : manifest.segments)
      LOGCASK_TRY(read_segment(*directory, segment.facts, commits));
  }
  return commits;
}

const TopicRestore* topic_of(const std::vector<TopicRestore>& topics, const std::string& name) {
  for (const TopicRestore& topic : topics)
    if (topic.from().name == name) return &topic;
  return nullptr;
}

}  // namespace

Result<std::size_t> restore_group_offsets(Directory& backup, const BackupTopic& groups,
                                          const std::vector<TopicRestore>& topics, RestoreTarget& target) {
  LOGCASK_ASSIGN(const Commits commits, read_commits(backup, groups));
  std::vector<InternalRecord> records;
  std::size_t count = 0;
  const auto append = [&]() -> Status {
    if (records.empty()) return {};
    LOGCASK_TRY(target.append_group_records(records));
    count += records.size();
    records.clear();
    return {};
  };
  for (const auto& [key, value] : commits) {
    const TopicRestore* topic = topic_of(topics, key.topic);
    // One of another topic of that name is nobody's any more.
    if (!topic || (value.topic_id && *value.topic_id != topic->from().id)) continue;
    OffsetCommitKey there = key;
    there.topic = topic->record().name;
    OffsetCommitValue kept = value;
    kept.topic_id = topic->record().id;
    records.push_back({encode_offset_commit_key(there), encode_offset_commit_value(kept)});
    if (records.size() == kCommitsPerBatch) LOGCASK_TRY(append());
  }
  LOGCASK_TRY(append());
  return count;
}

}  // namespace logcask::cli
