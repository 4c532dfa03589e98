#include "broker/http/resources/key_address.h"

#include <algorithm>

#include "base/base64.h"

namespace logcask {
namespace {

// RFC 4648, section 5, with or without padding.
std::optional<std::string> decode_base64url(std::string text) {
  std::replace(text.begin(), text.end(), '-', '+');
  std::replace(text.begin(), text.end(), '_', '/');
  while (text.size() % 4 != 0) text += '=';
  return decode_base64(text);
}

}  // namespace

Result<KeyAddress> read_key_address(const HttpRequest& request) {
  KeyAddress address{request.segments[2], request.segments[4]};
  const std::string* encoding = request.parameter("key_encoding");
  if (encoding && *encoding == "base64url") {
    auto bytes = decode_base64url(address.key);
    if (!bytes) return Error{Errc::invalid_argument, "the key in the path is not base64url"};
    address.key = std::move(*bytes);
  } else if (encoding && *encoding != "utf8") {
    return Error{Errc::invalid_argument, "key_encoding=" + *encoding + ": known are utf8 and base64url"};
  }
  if (address.key.size() > kPathKeyBytesMax)
    return Error{Errc::limit_exceeded, "a key in a path has at most " + std::to_string(kPathKeyBytesMax) +
                                           " bytes; POST keys:batchGet takes longer ones"};
  return address;
}

HttpAnswer key_address_refused(const Error& error) {
  return error.code == Errc::limit_exceeded ? error_answer(414, error) : error_answer(error);
}

Status check_parameters(const HttpRequest& request, std::initializer_list<std::string_view> known) {
  for (const auto& [name, value] : request.query) {
    if (std::find(known.begin(), known.end(), name) == known.end())
      return Error{Errc::invalid_argument, "no parameter is called '" + name + "' here"};
    if (std::count_if(request.query.begin(), request.query.end(),
                      [&](const auto& other) { return other.first == name; }) > 1)
      return Error{Errc::invalid_argument, "the parameter '" + name + "' is given twice"};
  }
  return {};
}

}  // namespace logcask
