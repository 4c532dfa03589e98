#include "cli/linked_segments.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "client/backup_stream.h"
#include "segment/filename.h"
#include "segment/posix_file.h"

namespace logcask::cli {
namespace {

constexpr std::uint64_t kClusterFileBytes = 4096;
// No more than the manifest is wanted.
constexpr std::uint32_t kLinkCreditBytes = 1;

}  // namespace

Status check_data_directory(const std::string& data, const std::string& cluster_id) {
  LOGCASK_ASSIGN(const auto directory, open_posix_directory(data));
  const auto id = read_file(*directory, "cluster.id", kClusterFileBytes);
  if (id.ok() && id->starts_with(cluster_id)) return {};
  return Error{Errc::invalid_argument, data + " is not the data directory of the broker (cluster " + cluster_id +
                                           "): --link wants the one that 'logcask health' shows, on this machine"};
}

Status link_segments(const client::Client& client, const std::string& data, Directory& backup, const BackupTopic& topic,
                     PartitionId partition) {
  // While the stream is open the broker keeps the files' names.
  LOGCASK_ASSIGN(const client::BackupStream stream,
                 client::BackupStream::open(client, topic.name, partition, {}, kLinkCreditBytes));
  LOGCASK_ASSIGN(const Manifest manifest, decode_manifest(stream.start().manifest.view()));
  const std::string from = data + "/" + backup_partition_name(topic, partition) + "/";
  for (const ManifestSegment& segment : manifest.segments) {
    const std::string file = from + segment_filename(segment.facts.name, SegmentFile::log);
    const std::string name = backup.path() + "/" + backup_segment_name(segment.facts);
    if (::linkat(AT_FDCWD, file.c_str(), AT_FDCWD, name.c_str(), 0) == 0 || errno == EEXIST) continue;
    if (errno == EXDEV)
      return Error{Errc::invalid_argument, backup.path() + " and " + data +
                                               " lie on different file systems, between which no links can be made; "
                                               "leave --link out"};
    if (errno != ENOENT && errno != EMLINK) return error_from_errno(errno, "link " + file + " to " + name);
  }
  return backup.sync();
}

}  // namespace logcask::cli
