#include <string>

#include "proto/kafka/reader.h"
#include "proto/kafka/writer.h"
#include "tests/proto/kafka/filler.h"
#include "tests/proto/kafka/messages.h"
#include "tests/support/catch.h"
#include "tests/support/seed.h"

namespace logcask::kafka {
namespace {

std::string bytes_of(const auto& message, Layout layout) {
  Written out;
  REQUIRE(Writer(out, layout).write(message).ok());
  REQUIRE(out.joined().size() == out.total_bytes());
  return out.joined();
}

// `visit(api, layout, message)` for each message in each version, `message` with its defaults.
void each_version(const auto& visit) {
  each_message([&](ApiKey key, const auto& message) {
    const Api& api = *row_of(key);
    for (std::int16_t version = api.served_since; version <= api.max_version; ++version)
      visit(api, api.layout(version), message);
  });
}

// What bytes are read to is written to bytes that say the same. Whether they could be read.
template <class Message>
bool read_and_write(ByteView bytes, Layout layout) {
  Message first, second;
  const Status read = Reader(bytes, layout).read(first);
  if (!read.ok()) {
    CHECK(read.code() == Errc::malformed_frame);
    CHECK(read.error().message.find(' ') != std::string::npos);
    return false;
  }
  const std::string once = bytes_of(first, layout);
  REQUIRE(Reader(once, layout).read(second).ok());
  if (bytes_of(second, layout) != once) FAIL_CHECK("the second write differs from the first");
  return true;
}

}  // namespace

TEST_CASE("a Kafka message with random values is read as it was written, in every version") {
  const std::uint64_t seed = testing::test_seed();
  INFO("LOGCASK_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  each_version([&](const Api& api, Layout layout, const auto& defaults) {
    for (int round = 0; round < 50; ++round) {
      INFO(api.name << " " << layout.version << ", round " << round);
      auto message = defaults;
      Filler filler(random, layout, 3);
      filler.fill(message);
      const std::string bytes = bytes_of(message, layout);
      auto read = defaults;
      Reader reader(bytes, layout);
      const Status status = reader.read(read);
      INFO((status.ok() ? "" : status.error().message));
      REQUIRE(status.ok());
      CHECK(reader.rest().empty());
      CHECK(Shower::show(read) == Shower::show(message));
    }
  });
}

TEST_CASE("a Kafka message that is cut off anywhere is malformed, and the message names the field") {
  const std::uint64_t seed = testing::test_seed();
  INFO("LOGCASK_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  each_version([&](const Api& api, Layout layout, const auto& defaults) {
    auto message = defaults;
    Filler filler(random, layout, 2);
    filler.fill(message);
    const std::string bytes = bytes_of(message, layout);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      // The bytes behind the end are not there: a copy, so that a sanitizer sees who reads them.
      const std::string cut = bytes.substr(0, size);
      auto read = defaults;
      const Status status = Reader(cut, layout).read(read);
      if (status.ok() || status.code() != Errc::malformed_frame)
        FAIL(api.name << " " << layout.version << " is read from " << size << " of " << bytes.size() << " bytes");
      // "Topics has ...", never just "has ...".
      if (status.error().message.find("ends ") == 0 || status.error().message.find("has ") == 0)
        FAIL(api.name << " " << layout.version << " cut at " << size << ": " << status.error().message);
    }
  });
}

TEST_CASE("random bytes and damaged Kafka messages are refused or read to what is written alike") {
  const std::uint64_t seed = testing::test_seed();
  INFO("LOGCASK_TEST_SEED=" << seed);
  std::mt19937_64 random(seed);
  int damaged = 0, damaged_and_read = 0;
  each_version([&]<class Message>(const Api& api, Layout layout, const Message& defaults) {
    INFO(api.name << " " << layout.version);
    for (int round = 0; round < 100; ++round) {
      std::string bytes;
      for (std::uint64_t left = random() % 100; left > 0; --left) bytes += static_cast<char>(random());
      // Random lengths are mostly too large: every other time the bytes are small numbers.
      if (round % 2 == 1)
        for (char& byte : bytes) byte = static_cast<char>(byte & 3);
      read_and_write<Message>(bytes, layout);
    }
    for (int round = 0; round < 100; ++round) {
      Message message = defaults;
      Filler filler(random, layout, 2);
      filler.fill(message);
      std::string bytes = bytes_of(message, layout);
      for (std::uint64_t left = 1 + random() % 3; left > 0 && !bytes.empty(); --left)
        bytes[random() % bytes.size()] = static_cast<char>(random());
      ++damaged;
      damaged_and_read += read_and_write<Message>(bytes, layout) ? 1 : 0;
    }
  });
  CHECK(damaged_and_read > damaged / 10);  // so that both happen
  CHECK(damaged_and_read < damaged);
}

}  // namespace logcask::kafka
