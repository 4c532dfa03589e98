#include "broker/native/native_factory.h"

#include <google/protobuf/stubs/logging.h>

#include "base/utf8.h"
#include "broker/native/native_protocol.h"
#include "logcask/v1/native.pb.h"
#include "proto/frame.h"

namespace logcask {

NativeFactory::NativeFactory(const NativeServices& services, std::vector<TopicView>& views)
    : services_(services), views_(views) {
  // What a peer sends is refused with an answer; it has no business on our stderr.
  google::protobuf::SetLogHandler(nullptr);
}

std::shared_ptr<Protocol> NativeFactory::make(std::size_t io_thread, EventLoop& loop, const std::string& peer_address,
                                              ProtocolHost& host) const {
  return std::make_shared<NativeProtocol>(services_, loop, views_[io_thread], peer_address, host);
}

// As NativeProtocol::fail() says it.
std::string NativeFactory::farewell(const Error& reason) const {
  v1::ResponseHeader response;
  response.set_error_code(static_cast<std::int32_t>(reason.code));
  response.set_error_message(utf8_text(reason.message));
  std::string frame;
  append_frame_head(frame, response, 0);
  return frame;
}

}  // namespace logcask
