#include "cli/topic_restore.h"

#include <algorithm>
#include <utility>

#include "base/mutant.h"
#include "base/random.h"
#include "cli/interrupt.h"
#include "partition/hint_builder.h"
#include "partition/producer_state.h"
#include "segment/digest.h"
#include "segment/filename.h"
#include "segment/segment.h"

namespace logcask::cli {
namespace {

constexpr std::size_t kCopyBytes = 1u << 20;
constexpr char kInterruptedWhileWriting[] =
    "interrupted; what was written so far is removed by the next start or restore";

PartitionId partition_number(std::size_t index) { return PartitionId(static_cast<std::int32_t>(index)); }

// The manifest of the new topic's partition: the same segments, another owner, nobody remembered.
Manifest restored_manifest(Manifest manifest, const PartitionIdentity& owner) {
  manifest.owner = owner;
  manifest.obsolete.clear();
  manifest.format_1_through = kNoOffset;
  const Offset end = manifest.closed_end();
  const LeaderEpoch last = manifest.epochs.back().epoch;
  if (!mutant(Mutant::restore_keeps_epoch)) manifest.epochs.push_back({LeaderEpoch(last.value() + 1), end});
  const std::string producers = ProducerState().encode_snapshot(end);
  manifest.producer_snapshot_name = producer_snapshot_filename(end);
  manifest.producer_snapshot_digest = xxh3_64(producers);
  manifest.producer_snapshot_end = end;
  if (mutant(Mutant::restored_producers_known)) manifest.producer_snapshot_name.clear();
  return manifest;
}

}  // namespace

TopicRestore::TopicRestore(Directory& backup, const BackupTopic& topic, std::string name,
                           std::function<void(std::uint64_t)> told)
    : backup_(backup), topic_(topic), told_(std::move(told)) {
  record_.name = std::move(name);
  secure_random_bytes(record_.id.bytes.data(), record_.id.bytes.size());
  record_.partitions = static_cast<std::uint32_t>(topic.partitions.size());
  record_.settings = topic.settings;
  record_.created = topic.created;
}

std::uint64_t TopicRestore::bytes() const {
  std::uint64_t sum = 0;
  for (const BackupPartition& partition : topic_.partitions) sum += partition.bytes;
  return sum;
}

Result<std::unique_ptr<Directory>> TopicRestore::source(PartitionId partition) const {
  const std::string name = backup_partition_name(topic_, partition);
  auto directory = backup_.open_directory(name);
  if (directory.code() == Errc::not_found)
    return Error{Errc::corrupt_file, backup_.path() + "/" + name + " is missing"};
  return directory;
}

Status TopicRestore::check() {
  auto config = make_topic_config(topic_.settings);
  if (!config.ok())
    return std::move(config).error().in("the settings of topic '" + topic_.name + "' are not ones this build knows");
  compacted_ = config->partition.compacted;
  manifests_.clear();
  for (std::size_t i = 0; i < topic_.partitions.size(); ++i) {
    LOGCASK_ASSIGN(const auto directory, source(partition_number(i)));
    LOGCASK_ASSIGN(Manifest manifest, read_backup_manifest(*directory, topic_.partitions[i].manifest_digest));
    const PartitionIdentity owner{topic_.id, partition_number(i)};
    if (manifest.owner && *manifest.owner != owner)
      return Error{Errc::foreign_file, directory->path() + ": its manifest is of " + manifest.owner->to_string()};
    if (manifest.epochs.empty() || manifest.closed_end() != topic_.partitions[i].end ||
        manifest.judged_end > manifest.closed_end())
      return Error{Errc::corrupt_file, directory->path() + ": its manifest is not the one that BACKUP speaks of"};
    for (const ManifestSegment& segment : manifest.segments) {
      if (interrupted()) return Error{Errc::cancelled, "interrupted; nothing has been restored"};
      LOGCASK_TRY(check_backup_segment(*directory, segment.facts));
      told_(segment.facts.size_bytes);
    }
    manifests_.push_back(std::move(manifest));
  }
  return {};
}

Status TopicRestore::write(RestoreTarget& target) {
  for (std::size_t i = 0; i < topic_.partitions.size(); ++i) LOGCASK_TRY(write_partition(target, partition_number(i)));
  return {};
}

Status TopicRestore::write_partition(RestoreTarget& target, PartitionId partition) {
  LOGCASK_ASSIGN(const auto from, source(partition));
  const std::string name = DataDirectory::partition_directory_name(record_.name, partition, record_.id);
  LOGCASK_ASSIGN(const std::shared_ptr<Directory> to, target.data().create_partition(name));
  LOGCASK_TRY(target.data().mark_deleted(name));
  const Manifest manifest = restored_manifest(manifests_[static_cast<std::size_t>(partition.value())],
                                              PartitionIdentity{record_.id, partition});
  for (const ManifestSegment& segment : manifest.segments) LOGCASK_TRY(copy_segment(*from, *to, segment.facts));
  // Without it recovery would read the producers from the logs.
  LOGCASK_TRY(replace_file(*to, producer_snapshot_filename(manifest.producer_snapshot_end),
                           ProducerState().encode_snapshot(manifest.producer_snapshot_end)));
  // What is appended to: recovery takes an empty log where the listed ones end for the one that a roll has left.
  LOGCASK_ASSIGN(const auto active, to->open(segment_filename({manifest.closed_end(), Generation(0)}, SegmentFile::log),
                                             OpenMode::create_new));
  LOGCASK_TRY(active->sync_data());
  if (compacted_) LOGCASK_TRY(make_hints(target, to, manifest));
  LOGCASK_TRY(to->sync());
  return store_first_manifest(*to, manifest);
}

// Under the secret that this data directory has, so that its first start reads them instead of the logs. Every record
// counts as one that may matter: which of them others supersede, nobody has found out yet.
Status TopicRestore::make_hints(const RestoreTarget& target, const std::shared_ptr<Directory>& to,
                                const Manifest& manifest) {
  const auto environment = std::make_shared<SegmentEnvironment>();
  for (const ManifestSegment& segment : manifest.segments) {
    HintBuild build;
    build.directory = to;
    build.segment = Segment::closed(environment, to, segment.facts);
    build.extent = extent_of(segment.facts);
    build.hasher = &target.hasher();
    build.live = [](std::span<const KeyIdentity>, std::span<const Offset>, std::vector<bool>& live) {
      std::fill(live.begin(), live.end(), true);
    };
    build.keep_going = []() -> Status {
      if (interrupted()) return Error{Errc::cancelled, kInterruptedWhileWriting};
      return {};
    };
    LOGCASK_TRY(build_hint(build));
  }
  return {};
}

Status TopicRestore::copy_segment(Directory& from, Directory& to, const SegmentFacts& facts) const {
  LOGCASK_ASSIGN(const auto source_file, from.open(backup_segment_name(facts), OpenMode::read));
  LOGCASK_ASSIGN(const auto file, to.open(segment_filename(facts.name, SegmentFile::log), OpenMode::create_new));
  Digest digest;
  std::string buffer(kCopyBytes, '\0');
  for (std::uint64_t at = 0; at < facts.size_bytes;) {
    if (interrupted()) return Error{Errc::cancelled, kInterruptedWhileWriting};
    LOGCASK_ASSIGN(const std::size_t got, source_file->read_at(at, std::span(buffer.data(), buffer.size())));
    if (got == 0) break;
    const ByteView bytes(buffer.data(), got);
    LOGCASK_TRY(file->write_at(at, bytes));
    digest.update(bytes);
    at += got;
    told_(got);
  }
  if (digest.value() != facts.digest && !mutant(Mutant::damaged_backup_restored))
    return Error{Errc::corrupt_file, from.path() + "/" + backup_segment_name(facts) + " has changed while it was read"};
  return file->sync_data();
}

}  // namespace logcask::cli
