// Credit: a stream may send more bytes.
#include "broker/native/requests/requests.h"
#include "broker/native/requests/wire.h"
#include "logcask/v1/native.pb.h"

namespace logcask {

void handle_credit(const NativeRequest& request) {
  request.protocol.add_credit(request.header.credit().target_correlation_id(), request.header.credit().credit_bytes());
}

}  // namespace logcask
