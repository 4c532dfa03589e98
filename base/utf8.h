#pragma once
// Which bytes are text. Strict UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.

#include <cstddef>
#include <string>

#include "base/types.h"

namespace logcask {

// Bytes of the character that starts at `bytes[0]`; 0 when no valid one does. `bytes` is not empty.
std::size_t utf8_character(ByteView bytes);

bool valid_utf8(ByteView bytes);

// `bytes` as text: what is UTF-8 stays, and U+FFFD stands for each byte that is not. Text becomes itself.
std::string utf8_text(ByteView bytes);

}  // namespace logcask
