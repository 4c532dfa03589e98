#include "tests/proto/kafka/messages.h"

#include <set>
#include <string>

#include "proto/kafka/reader.h"
#include "proto/kafka/writer.h"
#include "tests/support/catch.h"

namespace logcask::kafka {

TEST_CASE("every Kafka api that has a row has messages, and the other way round") {
  std::set<ApiKey> rows;
  for (const Api& api : apis()) CHECK(rows.insert(api.key).second);
  std::set<ApiKey> requests, responses;
  each_request([&](ApiKey key, const auto&) { requests.insert(key); });
  each_response([&](ApiKey key, const auto&) { responses.insert(key); });
  CHECK(requests == rows);
  CHECK(responses == rows);
}

TEST_CASE("a Kafka message with its defaults is read as it was written, in every version") {
  each_message([](ApiKey key, const auto& message) {
    const Api& api = *row_of(key);
    for (std::int16_t version = api.served_since; version <= api.max_version; ++version) {
      INFO(api.name << " " << version);
      const Layout layout = api.layout(version);
      Written first, second;
      REQUIRE(Writer(first, layout).write(message).ok());
      auto read = message;
      Reader reader(first.bytes, layout);
      REQUIRE(reader.read(read).ok());
      CHECK(reader.rest().empty());
      REQUIRE(Writer(second, layout).write(read).ok());
      CHECK(second.bytes == first.bytes);
    }
  });
}

}  // namespace logcask::kafka
