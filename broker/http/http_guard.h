#pragma once
// Which requests are not even looked at: those that a web page of somebody else makes a browser send, and those in a
// form that nothing here takes.
//
// A page may send requests to any address, and with a name that it lets point to this machine it could read the
// answers, too (DNS rebinding). So the Host that was asked for must be one of ours, whoever sends an Origin must be a
// page of that Host, and a body needs a type that a page cannot send without asking first (RFC 9110, Fetch Metadata).

#include <optional>

#include "broker/http/http_answer.h"
#include "broker/http/http_request.h"
#include "broker/http/http_services.h"
#include "broker/settings/socket_address.h"

namespace logcask {

// 421, 403 or 415; nothing when the request may pass. `local` is where the connection arrived.
std::optional<HttpAnswer> refused_by_guard(const HttpRequest& request, const SocketAddress& local,
                                           const HttpSettings& settings);

}  // namespace logcask
