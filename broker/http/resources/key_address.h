#pragma once
// What the requests about one key say of it: /v1/topics/TOPIC/keys/KEY?key_encoding=...

#include <string>

#include "base/result.h"
#include "broker/http/http_answer.h"
#include "broker/http/http_request.h"

namespace logcask {

struct KeyAddress {
  std::string topic;
  std::string key;
};

// Keys in a path are at most this long.
inline constexpr std::size_t kPathKeyBytesMax = 4096;

// frame_too_large for a key that is too long (414), invalid_argument.
Result<KeyAddress> read_key_address(const HttpRequest& request);
HttpAnswer key_address_refused(const Error& error);

}  // namespace logcask
