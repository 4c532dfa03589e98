#include "broker/http/http_guard.h"

#include "tests/support/catch.h"

namespace logcask {
namespace {

int status_of(const HttpRequest& request, const std::string& local = "127.0.0.1") {
  const auto refused = refused_by_guard(request, {local, 7441}, make_http_settings(" One.example ,,two.example"));
  return refused ? refused->status : 200;
}

HttpRequest from(const std::string& host) {
  HttpRequest request;
  request.headers.emplace_back("host", host);
  return request;
}

}  // namespace

TEST_CASE("a Host is an address listened on or a name that was allowed") {
  for (const std::string host :
       {"127.0.0.1:7441", "127.0.0.1", "localhost:1", "LOCALHOST", "one.example", "TWO.example:80"})
    CHECK(status_of(from(host)) == 200);
  for (const std::string host : {"127.0.0.2", "evil.example", "one.example.evil", "", ":7441", "[::1]:7441"})
    CHECK(status_of(from(host)) == 421);
  CHECK(status_of(from("[::1]:7441"), "::1") == 200);
  CHECK(status_of(HttpRequest()) == 400);
}

TEST_CASE("an Origin is the Host that was asked for") {
  for (const auto& [origin, status] : std::vector<std::pair<std::string, int>>{
           {"http://localhost:7441", 200}, {"http://localhost", 403}, {"https://localhost:7441", 403}, {"null", 403}}) {
    HttpRequest request = from("localhost:7441");
    request.headers.emplace_back("origin", origin);
    CHECK(status_of(request) == status);
  }
}

TEST_CASE("a body has a type that no page sends unasked") {
  for (const auto& [type, status] : std::vector<std::pair<std::string, int>>{{"application/json", 200},
                                                                             {"Application/JSON; charset=utf-8", 200},
                                                                             {"application/octet-stream", 200},
                                                                             {"text/plain", 415},
                                                                             {"multipart/form-data", 415},
                                                                             {"application/jsonx", 415}}) {
    HttpRequest request = from("localhost");
    request.body = "x";
    request.headers.emplace_back("content-type", type);
    CHECK(status_of(request) == status);
  }
}

}  // namespace logcask
