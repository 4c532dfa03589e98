#pragma once
// What an HTTP listener speaks.

#include <memory>
#include <string>
#include <vector>

#include "broker/http/http_services.h"
#include "broker/net/protocol.h"

namespace logcask {

class HttpFactory final : public ProtocolFactory {
 public:
  // `views` has one for each I/O thread. Both outlive it and every connection.
  HttpFactory(const HttpServices& services, std::vector<TopicView>& views) : services_(services), views_(views) {}
  std::shared_ptr<Protocol> make(std::size_t io_thread, EventLoop& loop, const std::string& peer_address,
                                 ProtocolHost& host) const override;
  std::string farewell(const Error& reason) const override;

 private:
  const HttpServices& services_;
  std::vector<TopicView>& views_;
};

}  // namespace logcask
