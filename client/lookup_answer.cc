#include "client/lookup_answer.h"

#include "client/raw_headers.h"

namespace logcask::client {
namespace {

Lookup::Status status_of(LookupStatus status) {
  switch (status) {
    case LookupStatus::found:
      return Lookup::Status::found;
    case LookupStatus::absent:
      return Lookup::Status::absent;
    case LookupStatus::deleted:
      return Lookup::Status::deleted;
    case LookupStatus::expired:
      return Lookup::Status::expired;
    case LookupStatus::failed:
      return Lookup::Status::failed;
  }
  return Lookup::Status::failed;
}

}  // namespace

Lookup lookup_of(const LookupResult& result, const std::string& topic) {
  Lookup lookup;
  lookup.status = status_of(result.status);
  lookup.value.assign(result.value);
  for (const HeaderView& header : decode_raw_headers(result.header_count, result.raw_headers))
    lookup.headers.push_back({std::string(header.name),
                              header.value ? std::optional<std::string>(*header.value) : std::optional<std::string>()});
  lookup.timestamp = result.timestamp;
  lookup.offset = result.offset;
  lookup.partition = result.partition;
  lookup.ambiguous = result.ambiguous;
  if (lookup.status == Lookup::Status::failed)
    lookup.error = {result.error, topic + "-" + std::to_string(result.partition.value()) + ": " +
                                      std::string(errc_meaning(result.error))};
  return lookup;
}

}  // namespace logcask::client
