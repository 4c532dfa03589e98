#pragma once
// A call that waits for its group: JoinGroup, SyncGroup. Answered once, by the coordinator or by whoever cancels it;
// the member stays in its group whatever becomes of the call.
//
// Lives and ends on the connection's loop.

#include <memory>
#include <optional>

#include "broker/native/requests/requests.h"
#include "logcask/v1/native.pb.h"

namespace logcask {

class WaitingForGroup final : public OpenCall {
 public:
  static std::shared_ptr<WaitingForGroup> open(const NativeRequest& request) {
    auto call = std::make_shared<WaitingForGroup>(request);
    request.protocol.open(request.correlation_id, call);
    return call;
  }
  explicit WaitingForGroup(const NativeRequest& request) {
    unanswered_.emplace(request.protocol, request.correlation_id, request.frame_bytes);
  }

  // `fill` gets the answer's header when `status` is ok. Nothing happens once the call has ended.
  template <class Fill>
  void answer(const Status& status, Fill fill) {
    if (!unanswered_) return;
    NativeProtocol& protocol = unanswered_->protocol();
    const std::uint64_t correlation_id = unanswered_->correlation_id();
    if (status.ok()) {
      v1::ResponseHeader response;
      response.set_correlation_id(correlation_id);
      fill(response);
      protocol.send(response);
    } else {
      protocol.send_error(correlation_id, status.error());
    }
    const auto alive = protocol.shared_from_this();
    unanswered_.reset();
    protocol.closed(correlation_id);
  }
  void cancel(const Error& reason) override {
    answer(reason, [](v1::ResponseHeader&) {});
  }

 private:
  std::optional<Unanswered> unanswered_;
};

}  // namespace logcask
