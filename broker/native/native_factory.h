#pragma once
// What a native listener speaks.

#include <memory>
#include <string>
#include <vector>

#include "broker/native/native_services.h"
#include "broker/net/protocol.h"

namespace logcask {

class NativeFactory final : public ProtocolFactory {
 public:
  // `views` has one for each I/O thread. Both outlive it and every connection.
  NativeFactory(const NativeServices& services, std::vector<TopicView>& views);
  std::shared_ptr<Protocol> make(std::size_t io_thread, EventLoop& loop, const std::string& peer_address,
                                 ProtocolHost& host) const override;
  std::string farewell(const Error& reason) const override;

 private:
  const NativeServices& services_;
  std::vector<TopicView>& views_;
};

}  // namespace logcask
