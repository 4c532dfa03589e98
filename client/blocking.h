#pragma once
// The blocking form of an operation, made from its async form. Internal to client/.

#include "client/core.h"
#include "logcask/future.h"

namespace logcask::client {

inline Error blocked_in_callback() {
  return {Errc::invalid_argument, "a blocking call from a callback would wait for itself: use the _async form"};
}

// `start` gets a Callback<T> that is certain to be called: every request ends by its deadline.
template <class T, class Start>
Result<T> wait_for(const Core& core, Start&& start) {
  if (core.on_io_thread()) return blocked_in_callback();
  return to_future<T>(std::forward<Start>(start)).get();
}

}  // namespace logcask::client
