#include "broker/http/resources/key_address.h"

#include <algorithm>

#include "base/base64.h"

namespace logcask {

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
    return Error{Errc::frame_too_large, "a key in a path has at most " + std::to_string(kPathKeyBytesMax) +
                                            " bytes; POST keys:batchGet takes longer ones"};
  return address;
}

HttpAnswer key_address_refused(const Error& error) {
  return error.code == Errc::frame_too_large ? error_answer(414, error) : error_answer(error);
}

}  // namespace logcask
