#pragma once
// How answers arrive: every operation has a blocking form and an `_async` form with a callback.
//
// Thread rule: callbacks run on the client's I/O thread, one at a time. They must not block; a blocking
// form called from a callback is refused with invalid_argument instead of deadlocking. A callback is
// called exactly once, also when the client is closed (then with Errc::cancelled). That of a write or a commit may be
// empty: then nobody hears of its failure.

#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <utility>

#include <logcask/result.h>

namespace logcask::client {

template <class T>
using Callback = std::function<void(Result<T>)>;

// How long one call may take. 0 = the client's request_timeout_ms. A passed deadline is Errc::timed_out; whether a
// write took effect is then unknown.
struct CallOptions {
  std::int64_t timeout_ms = 0;
};

// A future from any `_async` form:
//   auto topic = to_future<TopicDescription>([&](auto done) { admin.describe_topic_async("t", {}, done); });
template <class T, class Start>
std::future<Result<T>> to_future(Start&& start) {
  auto promise = std::make_shared<std::promise<Result<T>>>();
  auto future = promise->get_future();
  std::forward<Start>(start)(Callback<T>([promise](Result<T> result) { promise->set_value(std::move(result)); }));
  return future;
}

}  // namespace logcask::client
