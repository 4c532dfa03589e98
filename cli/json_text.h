#pragma once
// One JSON object as lines for people: its plain fields on one line as NAME=VALUE, then a line for each element of its
// lists, indented and with the list's name in front.

#include <string>
#include <string_view>

namespace logcask::cli {

// `object` must be one JSON object. Appends whole lines. Strings stand bare unless they hold a space or what JSON
// escapes.
void append_json_as_text(std::string& out, std::string_view object);

}  // namespace logcask::cli
