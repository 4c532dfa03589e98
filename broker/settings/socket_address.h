#pragma once
// "host:port" as settings and flags write it; IPv6 hosts in brackets. A value.

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace logcask {

struct SocketAddress {
  std::string host;
  std::uint16_t port = 0;
  std::string to_string() const;
};

// invalid_config names `setting` when the text is not an address.
Result<SocketAddress> parse_socket_address(std::string_view text, std::string_view setting);

}  // namespace logcask
