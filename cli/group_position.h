#pragma once
// Keeps a consumer's position under its group while it runs: what has been printed is committed about once a second, in
// the background, so that neither a slow broker nor one that is away holds up the reading. A commit that fails for a
// reason that may pass is left to the next, which says the same and more.
//
// Threads: one at a time.

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "logcask/consumer.h"

namespace logcask::cli {

class GroupPosition {
 public:
  // `member`: of the group, so that nobody else reads and commits for its partitions.
  GroupPosition(client::Client client, client::Consumer& consumer, std::string group, bool member);

  using Offsets = std::map<PartitionId, Offset>;

  // After what was polled has been printed, up to those offsets. The error of a commit that can never succeed; that a
  // member is none any more is said by its polls.
  Status keep(const Offsets& printed);
  // The last commit of these partitions, waited for.
  Status finish(const Offsets& printed);

 private:
  // Shared with the callback of a commit, which may come after this has gone.
  struct Shared {
    std::mutex mutex;
    std::condition_variable answered;
    bool under_way = false;
    std::optional<Error> refused;
    Offsets kept;  // by the last commit that succeeded
  };

  void look_for_others(const Offsets& now, const Offsets& kept);

  const client::Client client_;
  client::Consumer& consumer_;
  const std::string group_;
  const bool member_;
  const std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
  std::chrono::steady_clock::time_point next_ = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  bool others_told_ = false;
};

}  // namespace logcask::cli
