// Cancel: ends an open request; it is answered there, with `cancelled`.
#include "broker/native/requests/requests.h"
#include "broker/native/requests/wire.h"
#include "logcask/v1/native.pb.h"

namespace logcask {

void handle_cancel(const NativeRequest& request) {
  if (const auto call = request.protocol.find_open(request.header.cancel().target_correlation_id()))
    call->cancel(Error{Errc::cancelled, "the client cancelled the request"});
}

}  // namespace logcask
