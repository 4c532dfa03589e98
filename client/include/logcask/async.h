#pragma once
// How answers arrive: every operation has a blocking form and an `_async` form with a callback (<logcask/future.h>
// makes futures of those).
//
// Thread rule: callbacks run on the client's I/O thread, one at a time. They must not block; a blocking
// form called from a callback is refused with invalid_argument instead of deadlocking. A callback is
// called exactly once, also when the client is closed (then with Errc::cancelled). That of a write or a commit may be
// empty: then nobody hears of its failure.
// A callback must not throw: nobody above it could handle that. One that does is told to Options::on_log and on stderr
// with its what(), and ends the process.
//
// Errors that any call may end with, beside those its comment names: timed_out (the deadline passed), connection_lost
// (the connection ended after the request had left, and asking twice might do it twice), cancelled (the client was
// closed), limit_exceeded (max_pending_requests, or a limit of the broker), frame_too_large, permission_denied,
// shutting_down, unknown_request (an older broker), internal, and invalid_argument from a callback. errc_retriable()
// says which may pass by themselves, errc_meaning() what each means.

#include <cstdint>
#include <functional>

#include <logcask/result.h>

namespace logcask::client {

template <class T>
using Callback = std::function<void(Result<T>)>;

// How long one call may take. 0 = the client's request_timeout_ms. A passed deadline is Errc::timed_out; whether a
// write took effect is then unknown.
struct CallOptions {
  std::int64_t timeout_ms = 0;
};

}  // namespace logcask::client
