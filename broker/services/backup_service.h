#pragma once
// What Backup means: the log of one partition as it is at one instant, file by file, to whoever copies it.
//
// The log is pinned (broker/door/log_pin.h) when the stream begins, and for as long as it lasts: compaction and
// retention go on, but give no disk space back for what is pinned. So a stream is a lease: one that takes nothing for
// backup.lease.ms ends with timed_out, at most kBackupsMax are open at a time, and health counts them with the bytes
// they hold. Nothing is written but by the partition itself, which closes its active segment. Steps run on background
// threads, one at a time per stream. At most the granted credit is sent, and one batch more.

#include <compare>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "base/byte_buffer.h"
#include "broker/services/call_context.h"

namespace logcask {

inline constexpr std::size_t kBackupsMax = 16;

struct BackupFile {
  SegmentName name;
  std::uint64_t size_bytes = 0;
  std::uint64_t digest = 0;
  friend auto operator<=>(const BackupFile&, const BackupFile&) = default;
};

struct BackupOptions {
  PartitionId partition;
  std::vector<BackupFile> have;  // not sent again
  std::uint64_t credit_bytes = 0;
};

// Loop thread only.
class BackupSink {
 public:
  virtual ~BackupSink() = default;
  virtual void started(const Topic& topic, std::shared_ptr<const std::string> manifest) = 0;
  // Bytes of the manifest's segment number `segment`, from `position` on.
  virtual void chunk(std::size_t segment, std::uint64_t position, std::shared_ptr<const ByteBuffer> bytes) = 0;
  virtual void ended(Status status) = 0;  // last call
};

class BackupService {
 public:
  BackupService(const ServiceParts& parts, std::int64_t lease_ms) : parts_(parts), lease_ms_(lease_ms) {}
  // On an error nothing was started and `sink` is not called. limit_exceeded when kBackupsMax are open.
  Result<std::shared_ptr<OpenCall>> backup(const CallContext& context, std::string_view topic, BackupOptions options,
                                           std::unique_ptr<BackupSink> sink);

 private:
  class Backup;
  Result<std::shared_ptr<Backup>> begin(const CallContext& context, std::string_view topic, BackupOptions options,
                                        std::unique_ptr<BackupSink> sink);

  const ServiceParts& parts_;
  const std::int64_t lease_ms_;
};

}  // namespace logcask
