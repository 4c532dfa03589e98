#include "logcask/record.h"

#include "client/raw_headers.h"

namespace logcask::client {

std::vector<HeaderView> ReadRecord::headers() const { return decode_raw_headers(header_count, raw_headers); }

}  // namespace logcask::client
