#include "broker/http/request_reader.h"

#include "base/random.h"
#include "tests/support/catch.h"
#include "tests/support/seed.h"

namespace logcask {
namespace {

constexpr std::size_t kBodyMax = 1000;

// Reads requests from `bytes` as they come, `step` at a time.
std::vector<HttpRequest> read_all(const std::string& bytes, std::size_t step) {
  RequestReader reader(kBodyMax);
  std::vector<HttpRequest> requests;
  std::size_t from = 0;
  for (std::size_t end = 0; end <= bytes.size(); end = std::min(end + step, bytes.size())) {
    while (from < end) {
      HttpRequest request;
      const auto used = reader.read(ByteView(bytes).substr(from, end - from), request);
      REQUIRE(used.ok());
      if (*used == 0) {
        CHECK(reader.needed_bytes() > end - from);
        break;
      }
      from += *used;
      requests.push_back(std::move(request));
    }
    if (end == bytes.size()) break;
  }
  CHECK(from == bytes.size());
  return requests;
}

Errc error_of(const std::string& bytes) {
  RequestReader reader(kBodyMax);
  HttpRequest request;
  const auto used = reader.read(bytes, request);
  return used.ok() ? Errc::ok : used.code();
}

}  // namespace

TEST_CASE("requests are the same however their bytes come") {
  const std::string bytes =
      "GET /a?b=c HTTP/1.1\r\nHost: h\r\nX-Thing:  two words \r\n\r\n"
      "PUT /k HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"
      "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nT: "
      "t\r\n\r\n"
      "POST /d HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
      "DELETE /k HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
  for (std::size_t step = 1; step < 80; ++step) {
    const auto requests = read_all(bytes, step);
    REQUIRE(requests.size() == 5);
    CHECK(*requests[0].header("x-thing") == "two words");
    CHECK(requests[0].keep_alive);
    CHECK(requests[1].body == "hello");
    CHECK(requests[1].method == HttpMethod::put);
    CHECK(requests[2].body == "abc0123456789");
    CHECK(requests[3].body.empty());
    CHECK(requests[4].method == HttpMethod::remove);
    CHECK_FALSE(requests[4].keep_alive);
  }
}

TEST_CASE("a request that is larger than is allowed is refused before it is read") {
  CHECK(error_of("PUT / HTTP/1.1\r\nContent-Length: 1001\r\n\r\n") == Errc::frame_too_large);
  CHECK(error_of("PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n") == Errc::frame_too_large);
  CHECK(error_of("PUT / HTTP/1.1\r\nX: " + std::string(RequestReader::kHeadBytesMax, 'x')) == Errc::limit_exceeded);
}

TEST_CASE("a length that is told in two ways is refused") {
  CHECK(error_of("PUT / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") ==
        Errc::malformed_frame);
  CHECK(error_of("PUT / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab") == Errc::malformed_frame);
}

TEST_CASE("any bytes are a request or an error and never read beyond their end") {
  const std::uint64_t seed = testing::test_seed();
  INFO("LOGCASK_TEST_SEED=" << seed);
  Random random(seed);
  const std::string good =
      "POST /v1/topics/t/keys:batchGet?x=%41 HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes = good;
    for (std::uint64_t i = 0, changes = random.below(4) + 1; i < changes; ++i)
      bytes[random.below(bytes.size())] = static_cast<char>(random.below(256));
    RequestReader reader(kBodyMax);
    HttpRequest request;
    const auto used = reader.read(bytes, request);
    if (used.ok()) CHECK(*used <= bytes.size());
  }
}

}  // namespace logcask
