#pragma once
// The files of one partition's log, as a broker that runs sends them to whoever keeps a copy. Internal: `logcask
// backup` is its only user, and what the bytes mean is known by storage, not by this library.
//
// The broker holds what it has announced for as long as the stream is read (docs/BACKUP.md). Nothing is taken up again:
// a stream that is lost ends with its error, and a new one begins with another state of the log. Threads: one at a
// time.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/types.h"
#include "client/buffer.h"
#include "logcask/client.h"

namespace logcask::client {

// A file that is there already.
struct BackupHave {
  Offset base;
  Generation generation;
  std::uint64_t size_bytes = 0;
  std::uint64_t digest = 0;
};

// The first answer: the topic, and the partition's manifest.
struct BackupStart {
  TopicId topic_id;
  std::uint32_t partitions = 0;
  std::map<std::string, std::string, std::less<>> settings;
  TimestampMs created;
  bool internal = false;
  Buffer manifest;
};

struct BackupChunk {
  std::size_t segment = 0;  // index into the manifest's list
  std::uint64_t position = 0;
  Buffer bytes;
};

class BackupStream {
 public:
  // Errors of the broker as they come; connection_lost when there has been none for five seconds, timed_out when it has
  // said nothing for two minutes.
  // `credit_bytes`: what the broker may send ahead.
  static constexpr std::uint32_t kCreditBytes = 8u << 20;
  static Result<BackupStream> open(const Client& client, const std::string& topic, PartitionId partition,
                                   const std::vector<BackupHave>& have, std::uint32_t credit_bytes = kCreditBytes);
  BackupStream(BackupStream&&) noexcept;
  BackupStream& operator=(BackupStream&&) = delete;
  ~BackupStream();

  const BackupStart& start() const { return start_; }
  // Nothing: all has been sent.
  Result<std::optional<BackupChunk>> next();

 private:
  struct Impl;
  explicit BackupStream(std::shared_ptr<Impl> impl);

  std::shared_ptr<Impl> impl_;
  BackupStart start_;
};

}  // namespace logcask::client
