#include "broker/http/http_request.h"

#include "tests/support/catch.h"

namespace logcask {

TEST_CASE("a path is split before its escapes are read") {
  HttpRequest request;
  REQUIRE(split_target("/v1/topics/a%2Fb/keys/%00%ff?x=1%262&y=+%2B&z", request).ok());
  CHECK(request.segments == std::vector<std::string>{"v1", "topics", "a/b", "keys", std::string("\0\xff", 2)});
  CHECK(*request.parameter("x") == "1&2");
  CHECK(*request.parameter("y") == " +");
  CHECK(request.parameter("z")->empty());
  CHECK(request.parameter("w") == nullptr);
}

TEST_CASE("an empty segment is one") {
  HttpRequest request;
  REQUIRE(split_target("/v1/topics/t/keys/", request).ok());
  CHECK(request.segments == std::vector<std::string>{"v1", "topics", "t", "keys", ""});
}

TEST_CASE("a target that is no path is refused") {
  for (const std::string target : {"", "*", "http://x/y", "/%", "/%2", "/%2g", "/?a=%"}) {
    CAPTURE(target);
    HttpRequest request;
    CHECK(split_target(target, request).code() == Errc::invalid_argument);
  }
}

}  // namespace logcask
