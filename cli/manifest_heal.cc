#include "cli/manifest_heal.h"

#include <algorithm>

#include "partition/recovery.h"
#include "segment/filename.h"
#include "segment/segment.h"

namespace logcask::cli {
namespace {

Status remove_derived(Directory& directory, SegmentName name) {
  for (const SegmentFile file : {SegmentFile::hint, SegmentFile::index, SegmentFile::time_index}) {
    const Status removed = directory.unlink(segment_filename(name, file));
    if (!removed.ok() && removed.code() != Errc::not_found) return removed;
  }
  return {};
}

// What the manifest did not know of the segment while its file was damaged.
Status complete(const std::shared_ptr<Directory>& directory, const SegmentFacts& whole, ManifestSegment& segment) {
  const auto environment = std::make_shared<SegmentEnvironment>();
  const auto closed = Segment::closed(environment, directory, whole);
  LOGCASK_ASSIGN(segment.tombstones, count_tombstones(*closed, environment->max_decompressed_bytes));
  segment.facts = whole;
  return {};
}

}  // namespace

Status forget_healed(const std::shared_ptr<Directory>& directory, const PartitionCheck& check, Manifest& manifest) {
  for (const DamagedRange& range : check.healed) {
    for (const ManifestSegment& segment : manifest.segments)
      if (overlaps(segment, range)) LOGCASK_TRY(remove_derived(*directory, segment.facts.name));
    std::erase(manifest.damaged, range);
  }
  LOGCASK_TRY(directory->sync());
  for (const SegmentFacts& whole : check.restored)
    for (ManifestSegment& segment : manifest.segments)
      if (segment.facts.name == whole.name) LOGCASK_TRY(complete(directory, whole, segment));
  return {};
}

}  // namespace logcask::cli
