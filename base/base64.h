#pragma once
// Base64 of RFC 4648 with padding, for bytes that JSON cannot hold.

#include <optional>
#include <string>

#include "base/types.h"

namespace logcask {

void append_base64(std::string& out, ByteView bytes);
// Nothing when `text` is not canonical base64.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace logcask
