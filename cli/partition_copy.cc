#include "cli/partition_copy.h"

#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "cli/interrupt.h"
#include "cli/linked_segments.h"
#include "client/backup_stream.h"
#include "segment/digest.h"

namespace logcask::cli {
namespace {

Result<std::unique_ptr<Directory>> open_or_create(Directory& parent, const std::string& name) {
  auto created = parent.create_directory(name);
  if (created.code() == Errc::already_exists) return parent.open_directory(name);
  if (created.ok()) LOGCASK_TRY(parent.sync());
  return created;
}

// Writes one segment under a temporary name and gives it its own once its digest holds.
class SegmentCopy {
 public:
  static Result<SegmentCopy> begin(Directory& directory, const SegmentFacts& facts) {
    SegmentCopy copy(directory, facts);
    auto file = directory.open(copy.temporary(), OpenMode::create_new);
    if (file.code() == Errc::already_exists) {  // of a run that was interrupted
      LOGCASK_TRY(directory.unlink(copy.temporary()));
      file = directory.open(copy.temporary(), OpenMode::create_new);
    }
    if (!file.ok()) return std::move(file).error();
    copy.file_ = std::move(file).value();
    return copy;
  }

  Status add(std::uint64_t position, ByteView bytes) {
    if (position != size_ || bytes.size() > facts_.size_bytes - size_)
      return Error{Errc::malformed_frame, path() + ": the broker sends bytes for " + std::to_string(position) +
                                              " where " + std::to_string(size_) + " follows"};
    LOGCASK_TRY(file_->write_at(size_, bytes));
    digest_.update(bytes);
    size_ += bytes.size();
    return {};
  }
  bool whole() const { return size_ == facts_.size_bytes; }

  Status finish() {
    if (digest_.value() != facts_.digest)
      return Error{Errc::corrupt_file, path() +
                                           ": what the broker sent is not what its manifest promises; 'logcask "
                                           "verify' of its data directory, while it is stopped, tells more"};
    LOGCASK_TRY(file_->sync_data());
    file_.reset();
    LOGCASK_TRY(directory_->rename(temporary(), backup_segment_name(facts_)));
    // What the disk has of it.
    return check_backup_segment(*directory_, facts_);
  }

 private:
  SegmentCopy(Directory& directory, const SegmentFacts& facts) : directory_(&directory), facts_(facts) {}
  std::string temporary() const { return backup_segment_name(facts_) + std::string(kTemporarySuffix); }
  std::string path() const { return directory_->path() + "/" + backup_segment_name(facts_); }

  Directory* directory_;
  SegmentFacts facts_;
  std::unique_ptr<File> file_;
  Digest digest_;
  std::uint64_t size_ = 0;
};

class PartitionCopier {
 public:
  PartitionCopier(const client::Client& client, std::unique_ptr<Directory> directory,
                  const std::function<void(std::uint64_t)>& told)
      : client_(client), directory_(std::move(directory)), told_(told) {}

  Result<PartitionCopy> run(const std::string& topic, const TopicId& id, PartitionId partition) {
    LOGCASK_TRY(look());
    LOGCASK_ASSIGN(client::BackupStream stream, client::BackupStream::open(client_, topic, partition, have_));
    if (stream.start().topic_id != id)
      return Error{Errc::topic_changed,
                   "topic '" + topic + "' was made anew while it was being copied; run the backup again"};
    const ByteView bytes = stream.start().manifest.view();
    auto manifest = decode_manifest(bytes);
    if (!manifest.ok()) return std::move(manifest).error().in("the broker's manifest of '" + topic + "'");
    manifest_ = std::move(manifest).value();
    LOGCASK_TRY(take(stream));
    LOGCASK_TRY(check_all());
    copy_.partition.manifest_digest = xxh3_64(bytes);
    LOGCASK_TRY(replace_file(*directory_, backup_manifest_name(copy_.partition.manifest_digest), bytes));
    copy_.partition.end = manifest_.closed_end();
    for (const ManifestSegment& segment : manifest_.segments) copy_.partition.bytes += segment.facts.size_bytes;
    copy_.topic.name = topic;
    copy_.topic.id = id;
    copy_.topic.settings.insert(stream.start().settings.begin(), stream.start().settings.end());
    copy_.topic.created = stream.start().created;
    copy_.partitions = stream.start().partitions;
    return std::move(copy_);
  }

 private:
  // What is there and holds. Before the broker is asked: from then on it keeps files for us.
  Status look() {
    LOGCASK_ASSIGN(const auto files, directory_->list());
    for (const auto& file : files) {
      const auto parsed = parse_backup_segment_name(file.name);
      if (file.is_directory || !parsed) continue;
      if (interrupted()) return Error{Errc::cancelled, "interrupted"};
      SegmentFacts facts;
      facts.name = parsed->segment;
      facts.digest = parsed->digest;
      LOGCASK_ASSIGN(const auto opened, directory_->open(file.name, OpenMode::read));
      LOGCASK_ASSIGN(facts.size_bytes, opened->size());
      const Status held = check_backup_segment(*directory_, facts);
      if (held.code() == Errc::corrupt_file) {
        ++copy_.mended_files;
        LOGCASK_TRY(directory_->unlink(file.name));
        continue;
      }
      LOGCASK_TRY(held);
      have_.push_back({facts.name.base, facts.name.generation, facts.size_bytes, facts.digest});
    }
    return {};
  }

  Status take(client::BackupStream& stream) {
    std::optional<SegmentCopy> copy;
    std::size_t at = 0;
    while (true) {
      if (interrupted()) return Error{Errc::cancelled, "interrupted"};
      LOGCASK_ASSIGN(const auto chunk, stream.next());
      if (!chunk) break;
      if (chunk->segment >= manifest_.segments.size())
        return Error{Errc::malformed_frame, "the broker sends a segment that its manifest does not list"};
      const SegmentFacts& facts = manifest_.segments[chunk->segment].facts;
      if (!copy) {
        LOGCASK_ASSIGN(copy, SegmentCopy::begin(*directory_, facts));
        at = chunk->segment;
      }
      if (chunk->segment != at) return Error{Errc::malformed_frame, "the broker sends two segments at a time"};
      LOGCASK_TRY(copy->add(chunk->position, chunk->bytes.view()));
      copy_.copied_bytes += chunk->bytes.size();
      told_(chunk->bytes.size());
      if (!copy->whole()) continue;
      LOGCASK_TRY(copy->finish());
      ++copy_.copied_files;
      copy.reset();
    }
    return directory_->sync();
  }

  // Each was read when it was found or copied; here that none is missing.
  Status check_all() const {
    for (const ManifestSegment& segment : manifest_.segments) {
      const std::string name = backup_segment_name(segment.facts);
      const auto file = directory_->open(name, OpenMode::read);
      if (!file.ok())
        return Error{Errc::malformed_frame, directory_->path() + "/" + name + ": the broker has not sent it"};
      LOGCASK_ASSIGN(const std::uint64_t size, (*file)->size());
      if (size != segment.facts.size_bytes)
        return Error{Errc::malformed_frame, directory_->path() + "/" + name + ": its size is not the manifest's"};
    }
    return {};
  }

  const client::Client& client_;
  const std::unique_ptr<Directory> directory_;
  const std::function<void(std::uint64_t)>& told_;
  std::vector<client::BackupHave> have_;
  Manifest manifest_;
  PartitionCopy copy_;
};

}  // namespace

Result<PartitionCopy> copy_partition(const client::Client& client, Directory& backup, const std::string& topic,
                                     const TopicId& id, PartitionId partition, const std::string& link_from,
                                     const std::function<void(std::uint64_t)>& told) {
  BackupTopic named;
  named.name = topic;
  named.id = id;
  LOGCASK_ASSIGN(auto directory, open_or_create(backup, backup_partition_name(named, partition)));
  // What is linked is checked as what was there before, and what could not be is copied.
  if (!link_from.empty()) LOGCASK_TRY(link_segments(client, link_from, *directory, named, partition));
  return PartitionCopier(client, std::move(directory), told).run(topic, id, partition);
}

}  // namespace logcask::cli
