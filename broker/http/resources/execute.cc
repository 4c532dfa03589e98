// Which resource a path is.
#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <utility>

#include "broker/http/resources/parameters.h"
#include "broker/http/resources/resources.h"

namespace logcask {
namespace {

using Handler = void (*)(HttpCall, HttpRequest);

// A segment "*" stands for any.
struct Route {
  HttpMethod method;
  std::array<std::string_view, 6> path;
  std::size_t length;
  Handler handler;
  bool takes_preconditions = false;
};

constexpr std::array kRoutes = {
    Route{HttpMethod::get, {"healthz"}, 1, handle_health},
    Route{HttpMethod::get, {"readyz"}, 1, handle_ready},
    Route{HttpMethod::get, {"v1", "topics"}, 2, handle_list_topics},
    Route{HttpMethod::get, {"v1", "topics", "*"}, 3, handle_describe_topic},
    Route{HttpMethod::get, {"v1", "topics", "*", "keys", "*"}, 5, handle_get_key, true},
    Route{HttpMethod::put, {"v1", "topics", "*", "keys", "*"}, 5, handle_put_key, true},
    Route{HttpMethod::remove, {"v1", "topics", "*", "keys", "*"}, 5, handle_delete_key, true},
    Route{HttpMethod::get, {"v1", "topics", "*", "keys", "*", "watch"}, 6, handle_watch_key},
    Route{HttpMethod::get, {"v1", "topics", "*", "watch"}, 4, handle_watch_keys},
    Route{HttpMethod::get, {"v1", "topics", "*", "replay"}, 4, handle_replay},
    Route{HttpMethod::post, {"v1", "topics", "*", "keys:batchGet"}, 4, handle_batch_get},
};

bool matches(const Route& route, const std::vector<std::string>& segments) {
  return std::equal(
      segments.begin(), segments.end(), route.path.begin(), route.path.begin() + route.length,
      [](const std::string& segment, std::string_view wanted) { return wanted == "*" || segment == wanted; });
}

}  // namespace

void execute_http(HttpCall call, HttpRequest request) {
  // HEAD is GET without the body.
  const HttpMethod method = request.method == HttpMethod::head ? HttpMethod::get : request.method;
  std::string allowed;
  for (const Route& route : kRoutes) {
    if (!matches(route, request.segments)) continue;
    if (route.method == method) {
      if (!route.takes_preconditions)
        if (auto none = check_no_preconditions(request); !none.ok()) return call.refuse(none.error());
      return route.handler(std::move(call), std::move(request));
    }
    allowed += (allowed.empty() ? "" : ", ") + std::string(http_method_name(route.method));
    if (route.method == HttpMethod::get) allowed += ", HEAD";
  }
  if (allowed.empty())
    return call.answer(error_answer(404, Error{Errc::not_found, "there is nothing at this path (docs/HTTP.md)"}));
  HttpAnswer answer = error_answer(405, Error{Errc::unsupported, "this path takes " + allowed});
  answer.headers.emplace_back("Allow", allowed);
  call.answer(std::move(answer));
}

}  // namespace logcask
