#pragma once
// Prints what the broker knows of a key; shared by get and watch.

#include <string>

#include "logcask/table.h"

namespace logcask::cli {

const char* lookup_status_text(client::Lookup::Status status);

// One object and a newline: `status`, then the fields of a record as far as there is one.
void append_json_lookup(std::string& out, const std::string& topic, ByteView key, const client::Lookup& lookup);
// status<TAB>key<TAB>value, escaped as in cli/record_text.h.
void append_text_lookup(std::string& out, ByteView key, const client::Lookup& lookup);

}  // namespace logcask::cli
