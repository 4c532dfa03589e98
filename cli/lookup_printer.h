#pragma once
// Prints what the broker knows of a key; shared by get and watch.

#include <string>

#include "cli/record_text.h"
#include "logcask/table.h"

namespace logcask::cli {

const char* lookup_status_text(client::Lookup::Status status);

// One object and a newline: `status`, then the fields of a record as far as there is one.
void append_json_lookup(std::string& out, const std::string& topic, ByteView key, const client::Lookup& lookup);
// The line of a record as in cli/record_text.h: deleted and expired as a null value; nothing of an absent or failed
// key.
void append_text_lookup(std::string& out, ByteView key, const client::Lookup& lookup, const TextStyle& style);
// What append_text_lookup leaves out, for stderr: "absent: KEY"; empty when nothing is.
std::string lookup_remark(ByteView key, const client::Lookup& lookup);

}  // namespace logcask::cli
