#pragma once
// The command line's connection to a broker.

#include <string>

#include "base/result.h"
#include "logcask/client.h"

namespace logcask::cli {

// Connects, or says where no broker answered and what to do. From then on one line on stderr tells of an outage.
Result<client::Client> connect(const std::string& broker);

}  // namespace logcask::cli
