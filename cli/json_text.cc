#include "cli/json_text.h"

#include <algorithm>
#include <boost/json.hpp>

#include "base/check.h"
#include "base/json_writer.h"

namespace logcask::cli {
namespace {

namespace json = boost::json;

void append_plain(std::string& out, const json::value& value) {
  if (!value.is_string()) {
    const std::string text = json::serialize(value);
    out += text;
    return;
  }
  const std::string_view text(value.get_string().data(), value.get_string().size());
  const auto bare = [](char byte) { return static_cast<unsigned char>(byte) > ' ' && byte != '"' && byte != '\x7f'; };
  if (!text.empty() && std::all_of(text.begin(), text.end(), bare))
    out += text;
  else
    append_json_string(out, text);
}

void append_fields(std::string& out, const json::object& object) {
  bool first = true;
  for (const auto& [name, value] : object) {
    if (value.is_array()) continue;
    if (!first) out += ' ';
    first = false;
    out.append(name.data(), name.size());
    out += '=';
    append_plain(out, value);
  }
}

}  // namespace

void append_json_as_text(std::string& out, std::string_view object) {
  json::error_code failure;
  const json::value root = json::parse(json::string_view(object.data(), object.size()), failure);
  LOGCASK_CHECK(!failure && root.is_object());
  append_fields(out, root.get_object());
  out += '\n';
  for (const auto& [name, value] : root.get_object()) {
    if (!value.is_array()) continue;
    for (const json::value& element : value.get_array()) {
      out += "  ";
      out.append(name.data(), name.size());
      out += ' ';
      if (element.is_object())
        append_fields(out, element.get_object());
      else
        append_plain(out, element);
      out += '\n';
    }
  }
}

}  // namespace logcask::cli
