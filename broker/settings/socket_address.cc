#include "broker/settings/socket_address.h"

#include <charconv>

namespace logcask {

std::string SocketAddress::to_string() const {
  const bool bracketed = host.find(':') != std::string::npos;
  return (bracketed ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<SocketAddress> parse_socket_address(std::string_view text, std::string_view setting) {
  const Error refused{Errc::invalid_config, std::string(setting) + " = '" + std::string(text) +
                                                "' is not HOST:PORT with a port of 0 to 65535"};
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return refused;
  std::string_view host = text.substr(0, colon);
  const std::string_view port = text.substr(colon + 1);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return refused;
  }
  SocketAddress address;
  address.host = std::string(host);
  const auto [end, failure] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (failure != std::errc() || end != port.data() + port.size() || address.host.empty()) return refused;
  return address;
}

}  // namespace logcask
