#include "broker/http/resources/parameters.h"

#include <algorithm>
#include <string>

namespace logcask {

Status check_parameters(const HttpRequest& request, std::initializer_list<std::string_view> known) {
  for (const auto& [name, value] : request.query) {
    if (std::find(known.begin(), known.end(), name) == known.end())
      return Error{Errc::invalid_argument, "no parameter is called '" + name + "' here"};
    const auto same = [&name = name](const auto& other) { return other.first == name; };
    if (std::count_if(request.query.begin(), request.query.end(), same) > 1)
      return Error{Errc::invalid_argument, "the parameter '" + name + "' is given twice"};
  }
  return {};
}

Status check_no_preconditions(const HttpRequest& request) {
  for (const std::string_view name :
       {"if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range"})
    if (request.header(name))
      return Error{Errc::invalid_argument, std::string(name) + " is not served here, only for a key"};
  return {};
}

Result<bool> read_base64(const HttpRequest& request) {
  const std::string* encoding = request.parameter("encoding");
  if (encoding && *encoding != "base64" && *encoding != "text")
    return Error{Errc::invalid_argument, "encoding=" + *encoding + ": known are text and base64"};
  return encoding && *encoding == "base64";
}

Result<bool> read_flag(const HttpRequest& request, std::string_view name, bool absent) {
  const std::string* text = request.parameter(name);
  if (!text) return absent;
  if (*text != "true" && *text != "false")
    return Error{Errc::invalid_argument, std::string(name) + " is true or false"};
  return *text == "true";
}

}  // namespace logcask
