#include "broker/http/http_guard.h"

#include <algorithm>
#include <cctype>
#include <string>

namespace logcask {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](unsigned char c) { return std::tolower(c); });
  return out;
}

// Without the port and, of IPv6, the brackets.
std::string host_name(std::string_view authority) {
  if (authority.starts_with('[')) return lower(authority.substr(1, authority.find(']') - 1));
  return lower(authority.substr(0, authority.rfind(':')));
}

bool ours(const std::string& host, const SocketAddress& local, const HttpSettings& settings) {
  return host == "localhost" || host == lower(local.host) ||
         std::find(settings.allowed_hosts.begin(), settings.allowed_hosts.end(), host) != settings.allowed_hosts.end();
}

std::string_view media_type(std::string_view content_type) {
  content_type = content_type.substr(0, content_type.find(';'));
  while (content_type.ends_with(' ')) content_type.remove_suffix(1);
  return content_type;
}

}  // namespace

HttpSettings make_http_settings(std::string_view allowed_hosts) {
  HttpSettings settings;
  while (!allowed_hosts.empty()) {
    std::string_view name = allowed_hosts.substr(0, allowed_hosts.find(','));
    allowed_hosts.remove_prefix(std::min(allowed_hosts.size(), name.size() + 1));
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    if (!name.empty()) settings.allowed_hosts.push_back(lower(name));
  }
  return settings;
}

std::optional<HttpAnswer> refused_by_guard(const HttpRequest& request, const SocketAddress& local,
                                           const HttpSettings& settings) {
  const std::string* host = request.header("host");
  if (!host || request.header_count("host") != 1)
    return error_answer(400, Error{Errc::invalid_argument, "the request has not one Host header"});
  if (!ours(host_name(*host), local, settings))
    return error_answer(421, Error{Errc::permission_denied,
                                   "Host '" + *host + "' is not this broker's: ask by its address, or name it in " +
                                       "http.allowed.hosts"});
  if (const std::string* origin = request.header("origin"); origin && lower(*origin) != "http://" + lower(*host))
    return error_answer(403, Error{Errc::permission_denied, "a page of '" + *origin + "' may not ask this broker"});
  if (const std::string* site = request.header("sec-fetch-site"); site && lower(*site) == "cross-site")
    return error_answer(403, Error{Errc::permission_denied, "a page of another site may not ask this broker"});
  if (request.body.empty()) return std::nullopt;
  const std::string* type = request.header("content-type");
  const std::string media = type ? lower(media_type(*type)) : std::string();
  if (media != "application/json" && media != "application/octet-stream" && media != "application/x-ndjson")
    return error_answer(415, Error{Errc::invalid_argument,
                                   "a body needs Content-Type: application/json or "
                                   "application/octet-stream"});
  return std::nullopt;
}

}  // namespace logcask
