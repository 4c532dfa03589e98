#include "broker/http/http_request.h"

#include <algorithm>
#include <cctype>

namespace logcask {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

const std::string* find(const std::vector<std::pair<std::string, std::string>>& pairs, std::string_view name) {
  const auto found = std::find_if(pairs.begin(), pairs.end(), [&](const auto& pair) { return pair.first == name; });
  return found == pairs.end() ? nullptr : &found->second;
}

Status split_query(std::string_view query, HttpRequest& request) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    LOGCASK_ASSIGN(std::string name, percent_decode(pair.substr(0, equals), true));
    LOGCASK_ASSIGN(std::string value, percent_decode(pair.substr(std::min(pair.size(), equals + 1)), true));
    request.query.emplace_back(std::move(name), std::move(value));
  }
  return {};
}

}  // namespace

std::string_view http_method_name(HttpMethod method) {
  switch (method) {
    case HttpMethod::get:
      return "GET";
    case HttpMethod::head:
      return "HEAD";
    case HttpMethod::post:
      return "POST";
    case HttpMethod::put:
      return "PUT";
    case HttpMethod::remove:
      return "DELETE";
    case HttpMethod::other:
      break;
  }
  return "another method";
}

const std::string* HttpRequest::header(std::string_view name) const { return find(headers, name); }

std::size_t HttpRequest::header_count(std::string_view name) const {
  return static_cast<std::size_t>(
      std::count_if(headers.begin(), headers.end(), [&](const auto& header) { return header.first == name; }));
}

const std::string* HttpRequest::parameter(std::string_view name) const { return find(query, name); }

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

Result<std::string> percent_decode(std::string_view text, bool form) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && form) {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      const int high = i + 1 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0)
        return Error{Errc::invalid_argument, "the address has a '%' that no two hexadecimal digits follow; write %25"};
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return out;
}

Status split_target(std::string_view target, HttpRequest& request) {
  if (target.empty() || target.front() != '/')
    return Error{Errc::invalid_argument, "the request's target is not a path that begins with '/'"};
  const std::size_t question = std::min(target.find('?'), target.size());
  std::string_view path = target.substr(1, question - 1);
  while (true) {
    const std::size_t slash = std::min(path.find('/'), path.size());
    LOGCASK_ASSIGN(std::string segment, percent_decode(path.substr(0, slash), false));
    request.segments.push_back(std::move(segment));
    if (slash == path.size()) break;
    path.remove_prefix(slash + 1);
  }
  return question < target.size() ? split_query(target.substr(question + 1), request) : Status();
}

}  // namespace logcask
