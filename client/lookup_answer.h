#pragma once
// From the wire's lookup results to owned ones. Internal to client/.

#include "logcask/table.h"
#include "proto/lookup_codec.h"

namespace logcask::client {

Lookup lookup_of(const LookupResult& result, const std::string& topic);

}  // namespace logcask::client
