#include "logcask/record.h"

#include "client/raw_headers.h"

namespace logcask::client {

std::vector<HeaderView> ReadRecord::headers() const { return decode_raw_headers(header_count, raw_headers); }

OwnedRecord::OwnedRecord(const ReadRecord& record)
    : partition(record.partition),
      offset(record.offset),
      timestamp(record.timestamp),
      key(record.key),
      value(record.value) {
  for (const HeaderView& header : record.headers()) {
    Header& copy = headers.emplace_back();
    copy.name = header.name;
    if (header.value) copy.value = std::string(*header.value);
  }
}

}  // namespace logcask::client
