#pragma once
// Plain TCP. Only this header and its users listener.cc and tcp_transport.cc see Asio.

#include <boost/asio/ip/tcp.hpp>

#include "broker/net/transport.h"

namespace logcask {

class TcpTransport final : public Transport {
 public:
  explicit TcpTransport(boost::asio::ip::tcp::socket accepted) : socket_(std::move(accepted)) {}

  void start() override;
  void read_some(std::span<char> into, std::shared_ptr<TransportUser> user) override;
  void cancel_read() override;
  Result<std::size_t> write(std::span<iovec> pieces) override;
  void wait_writable(std::shared_ptr<TransportUser> user) override;
  SocketAddress local_address() const override;
  void close() override;
  void dismiss(std::string farewell) override;

 private:
  boost::asio::ip::tcp::socket socket_;
};

}  // namespace logcask
