#include "broker/http/http_guard.h"

#include <algorithm>
#include <cctype>
#include <string>

namespace logcask {
namespace {

// Without the port and, of IPv6, the brackets; empty when it is no host.
std::string host_name(std::string_view authority) {
  const bool bracketed = authority.starts_with('[');
  const std::size_t end = bracketed ? authority.find(']') : authority.find(':');
  const std::string_view port =
      end == std::string_view::npos ? std::string_view() : authority.substr(end + (bracketed ? 1 : 0));
  if (bracketed && end == std::string_view::npos) return {};
  if (!port.empty() && (port[0] != ':' || port.find_first_not_of("0123456789", 1) != std::string_view::npos)) return {};
  return lower_case(bracketed ? authority.substr(1, end - 1) : authority.substr(0, end));
}

bool ours(const std::string& host, const SocketAddress& local, const HttpSettings& settings) {
  return host == "localhost" || host == lower_case(local.host) ||
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
    if (!name.empty()) settings.allowed_hosts.push_back(lower_case(name));
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
  if (const std::string* origin = request.header("origin");
      origin && lower_case(*origin) != "http://" + lower_case(*host))
    return error_answer(403, Error{Errc::permission_denied, "a page of '" + *origin + "' may not ask this broker"});
  if (const std::string* site = request.header("sec-fetch-site"); site && lower_case(*site) == "cross-site")
    return error_answer(403, Error{Errc::permission_denied, "a page of another site may not ask this broker"});
  if (request.body.empty()) return std::nullopt;
  if (const std::string* coding = request.header("content-encoding"); coding && lower_case(*coding) != "identity")
    return error_answer(415, Error{Errc::unsupported, "a body is taken as it stands, without Content-Encoding"});
  if (request.header("content-range"))
    return error_answer(400, Error{Errc::unsupported, "a body is a whole one, without Content-Range"});
  const std::string* type = request.header("content-type");
  const std::string media = type ? lower_case(media_type(*type)) : std::string();
  if (media != "application/json" && media != "application/octet-stream")
    return error_answer(415, Error{Errc::invalid_argument,
                                   "a body needs Content-Type: application/json or "
                                   "application/octet-stream"});
  return std::nullopt;
}

}  // namespace logcask
