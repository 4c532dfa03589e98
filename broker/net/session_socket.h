#pragma once
// The socket inside a session; only session.cc and listener.cc see Asio.

#include <boost/asio/ip/tcp.hpp>

#include "broker/net/session.h"

namespace logcask {

struct Session::Socket {
  explicit Socket(boost::asio::ip::tcp::socket accepted) : tcp(std::move(accepted)) {}
  boost::asio::ip::tcp::socket tcp;
};

}  // namespace logcask
