#include "client/connection.h"

namespace logcask::client {
namespace {

Result<Address> parse_address(const std::string& text) {
  const auto colon = text.rfind(':');
  const bool bracketed = !text.empty() && text.front() == '[';
  if (colon == std::string::npos || colon == 0 || colon + 1 == text.size() ||
      (bracketed && (colon < 3 || text[colon - 1] != ']')))
    return Error{Errc::invalid_argument, "broker address '" + text + "' is not host:port"};
  Address address{text.substr(0, colon), text.substr(colon + 1)};
  if (bracketed) address.host = address.host.substr(1, address.host.size() - 2);
  if (address.port.size() > 5 || address.port.find_first_not_of("0123456789") != std::string::npos ||
      std::stoi(address.port) > 65535)
    return Error{Errc::invalid_argument, "broker address '" + text + "' has no port between 0 and 65535"};
  return address;
}

}  // namespace

Result<std::vector<Address>> parse_addresses(const std::string& brokers) {
  std::vector<Address> addresses;
  std::size_t at = 0;
  while (at <= brokers.size()) {
    const std::size_t comma = std::min(brokers.find(',', at), brokers.size());
    LOGCASK_ASSIGN(auto address, parse_address(brokers.substr(at, comma - at)));
    addresses.push_back(std::move(address));
    at = comma + 1;
  }
  return addresses;
}

}  // namespace logcask::client
