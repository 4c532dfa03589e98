#pragma once
// Which bytes are text. Strict UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.

#include <cstddef>

#include "base/types.h"

namespace logcask::cli {

// Bytes of the character that starts at `bytes[0]`; 0 when no valid one does. `bytes` is not empty.
std::size_t utf8_character(ByteView bytes);

bool valid_utf8(ByteView bytes);

}  // namespace logcask::cli
