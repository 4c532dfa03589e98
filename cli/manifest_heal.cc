#include "cli/manifest_heal.h"

#include "partition/recovery.h"
#include "segment/segment.h"

namespace logcask::cli {
namespace {

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
  for (const DamagedRange& range : check.healed) std::erase(manifest.damaged, range);
  for (const SegmentFacts& whole : check.restored)
    for (ManifestSegment& segment : manifest.segments)
      if (segment.facts.name == whole.name) LOGCASK_TRY(complete(directory, whole, segment));
  return {};
}

}  // namespace logcask::cli
