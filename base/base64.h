#pragma once
// Base64 of RFC 4648 with padding, for bytes that JSON cannot hold.

#include <optional>
#include <string>

#include "base/types.h"

namespace logcask {

void append_base64(std::string& out, ByteView bytes);
// Nothing when `text` is not canonical base64.
std::optional<std::string> decode_base64(std::string_view text);

// The same in the alphabet of section 5, which addresses and headers hold as it stands; without padding.
void append_base64url(std::string& out, ByteView bytes);
// With or without padding.
std::optional<std::string> decode_base64url(std::string text);

}  // namespace logcask
