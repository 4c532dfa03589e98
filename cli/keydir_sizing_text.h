#pragma once
// What keydirs take and how long that lasts, as topic describe and health show it.

#include <cstdint>
#include <string>

#include "logcask/admin.h"

namespace logcask {
class JsonWriter;
}

namespace logcask::cli {

// A member "sizing": an object, or null when the broker tells none.
void append_sizing_json(JsonWriter& json, const client::KeydirSizing& sizing);

// "24.69 MB for 1234567 keys; 24.69 MB of 6.32 GB (keydir.total.max.bytes): FITS"
std::string sizing_text(const client::KeydirSizing& sizing);
// In the units of the limit, where there is one.
std::string keydir_bytes_text(const client::KeydirSizing& sizing, std::uint64_t bytes);
// "+12000 keys an hour, all topics +20000: TIGHT in 3 days, OOM in 4 days at this rate"; says so when it is not known
// yet.
std::string growth_text(const client::KeydirSizing& sizing);

}  // namespace logcask::cli
