#pragma once
// One answer of the broker and who gets it.

#include <functional>

#include "base/result.h"
#include "client/buffer.h"
#include "logcask/v1/native.pb.h"

namespace logcask::client {

struct Response {
  v1::ResponseHeader header;
  Buffer attachment;
};

// Called on the I/O thread: once for a single request; for a stream until a response with `end` or an error.
using ResponseHandler = std::function<void(Result<Response>)>;

}  // namespace logcask::client
