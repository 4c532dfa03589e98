#pragma once
// Headers as the record batch encodes them, to views. Internal to client/.

#include <vector>

#include "logcask/record.h"

namespace logcask::client {

// Stops at the first header that is not well formed; those of a decoded record all are.
std::vector<HeaderView> decode_raw_headers(std::int64_t count, ByteView raw);

}  // namespace logcask::client
