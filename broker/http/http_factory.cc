#include "broker/http/http_factory.h"

#include "broker/http/http_answer.h"
#include "broker/http/http_protocol.h"

namespace logcask {

std::shared_ptr<Protocol> HttpFactory::make(std::size_t io_thread, EventLoop& loop, const std::string& peer_address,
                                            ProtocolHost& host) const {
  return std::make_shared<HttpProtocol>(services_, loop, views_[io_thread], peer_address, host);
}

std::string HttpFactory::farewell(const Error& reason) const {
  const HttpAnswer answer = error_answer(503, reason);
  std::string out;
  append_head(out, answer, false);
  return out + answer.body;
}

}  // namespace logcask
