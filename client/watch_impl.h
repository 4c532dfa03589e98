#pragma once
// The working part of a Watch: one stream, taken up again with the last seen offsets when it is lost.

#include <mutex>
#include <string>
#include <vector>

#include "client/core.h"
#include "client/watch_progress.h"
#include "logcask/table.h"

namespace logcask::client {

struct Watch::Impl : std::enable_shared_from_this<Watch::Impl> {
  struct Request {
    std::string topic;
    std::vector<std::string> keys;
    PartitionId partition;
    std::uint32_t credit_bytes = 0;
    std::function<void(const WatchEvent&)> on_event;
    std::function<void(const Error&)> ended;
  };
  Impl(std::shared_ptr<Core> shared_core, Request what);

  void subscribe();
  void cancel();
  Contact contact() const;

  // I/O thread, with `calling` held.
  void on_response(std::uint64_t for_generation, Result<Response> response);
  Status show(const Response& response);
  void end(const Error& error);

  // Not owning: a watch must not keep its client alive from within the client's own thread.
  std::weak_ptr<Core> core;
  const Request request;

  mutable std::mutex mutex;
  bool active = true;
  std::uint64_t generation = 0;
  std::uint64_t stream_id = 0;
  Error trouble{Errc::ok, {}};  // for which the stream ended, until it is asked for again

  // Held while callbacks run, so that cancel() on another thread can wait for them.
  std::mutex calling;
  WatchProgress progress;   // under `calling`
  bool began_anew = false;  // the topic is another log than before; under `calling`
};

}  // namespace logcask::client
