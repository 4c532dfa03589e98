#pragma once
// What keydirs take and how long that lasts, as topic describe and health show it.

#include <string>

#include "logcask/admin.h"

namespace logcask::cli {

class JsonWriter;

// A member "sizing": an object, or null when the broker tells none.
void append_sizing_json(JsonWriter& json, const client::KeydirSizing& sizing);

// "24.7 MB for 1234567 keys; 24.7 MB of 6.4 GB (keydir.total.max.bytes): FITS"
std::string sizing_text(const client::KeydirSizing& sizing);
// "+12000 keys an hour: TIGHT in 3 d, OOM in 4 d at this rate"; says so when it is not known yet.
std::string growth_text(const client::KeydirSizing& sizing);

}  // namespace logcask::cli
