#pragma once
// How many partitions a topic has, looked at once in a while: a plain topic may be given more. Internal to client/.
//
// Ends with its owner. A topic that was made anew under the name is another one, and is not told of.
// Threads: watch() from any thread; the rest happens on the I/O thread.

#include <cstdint>
#include <functional>
#include <memory>

#include "client/core.h"
#include "logcask/admin.h"

namespace logcask::client {

class PartitionCount : public std::enable_shared_from_this<PartitionCount> {
 public:
  // `on_look` is told their number after each look.
  PartitionCount(std::shared_ptr<Core> core, TopicInfo topic, std::int64_t every_ms,
                 std::function<void(std::size_t)> on_look)
      : core_(std::move(core)), topic_(std::move(topic)), every_ms_(every_ms), on_look_(std::move(on_look)) {}

  // Looks every_ms from now, and goes on. 0: never.
  void watch();

 private:
  void look();
  void looked(const Result<Response>& response);

  const std::shared_ptr<Core> core_;
  const TopicInfo topic_;
  const std::int64_t every_ms_;
  const std::function<void(std::size_t)> on_look_;
};

}  // namespace logcask::client
