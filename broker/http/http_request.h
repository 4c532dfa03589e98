#pragma once
// One HTTP/1.1 request, read whole (RFC 9110, 9112). A value.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace logcask {

enum class HttpMethod : std::uint8_t { get, head, post, put, remove, other };
std::string_view http_method_name(HttpMethod method);

struct HttpRequest {
  HttpMethod method = HttpMethod::other;
  // Between the slashes of the path, percent-decoded: "/v1/topics/a%2Fb" is {"v1", "topics", "a/b"}.
  std::vector<std::string> segments;
  std::vector<std::pair<std::string, std::string>> query;    // decoded, in their order
  std::vector<std::pair<std::string, std::string>> headers;  // names in lower case, in their order
  std::string body;
  bool keep_alive = true;
  bool http_1_0 = false;

  // The value of the one header of that name (lower case); nothing when there is none.
  const std::string* header(std::string_view name) const;
  // How many headers have that name.
  std::size_t header_count(std::string_view name) const;
  const std::string* parameter(std::string_view name) const;
};

// Of ASCII, as names of headers and hosts are compared.
std::string lower_case(std::string_view text);
// "a%20b" -> "a b"; with `form`, "+" is a space, too, as query strings have it. invalid_argument names what is wrong.
Result<std::string> percent_decode(std::string_view text, bool form);
// Path and query of a request's target. invalid_argument when it is not a path or its escapes are none.
Status split_target(std::string_view target, HttpRequest& request);

}  // namespace logcask
