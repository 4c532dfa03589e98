// kill -9 under load, again and again: what was acknowledged is there, nothing is invented, offsets are never reused.
#include <atomic>
#include <map>
#include <mutex>
#include <thread>

#include "base/random.h"
#include "proto/frame.h"
#include "proto/lookup_codec.h"
#include "proto/record_batch.h"
#include "tests/broker/native_client.h"
#include "tests/e2e/broker_process.h"
#include "tests/support/catch.h"
#include "tests/support/seed.h"
#include "tests/support/temp_dir.h"

namespace logcask::testing {
namespace {

constexpr int kWriters = 4;
constexpr int kKeysPerWriter = 50;
constexpr int kRounds = 6;
constexpr std::size_t kInFlight = 32;

// What one writer knows: every key has one writer, who numbers its writes.
struct Oracle {
  std::map<std::string, std::map<std::int64_t, std::int64_t>> acked;  // key -> number -> offset
  std::map<std::string, std::int64_t> sent;                           // key -> last number sent
  std::int64_t next_number = 1;
};

bool is_delete(std::int64_t number) { return number % 7 == 0; }

std::optional<std::string> value_of(std::int64_t number) {
  if (is_delete(number)) return std::nullopt;
  return std::to_string(number) + std::string(static_cast<std::size_t>(number % 300), 'x');
}

// Produces until the broker is gone. Acknowledgements come as they like.
void write_until_killed(std::uint16_t port, int writer, std::uint64_t seed, Oracle& oracle, std::atomic<int>& acks) {
  Random random(seed);
  NativeClient client(port);
  struct Open {
    std::string key;
    std::int64_t number;
  };
  std::map<std::uint64_t, Open> open;
  while (true) {
    while (open.size() < kInFlight) {
      const std::string key = "w" + std::to_string(writer) + "-" + std::to_string(random.below(kKeysPerWriter));
      const std::int64_t number = oracle.next_number++;
      const std::string batch = one_record_batch(key, value_of(number));
      v1::RequestHeader request;
      request.mutable_produce()->set_acks(writer % 2 == 0 ? v1::ProduceRequest::ACKS_ALL
                                                          : v1::ProduceRequest::ACKS_ONE);
      auto& entry = *request.mutable_produce()->add_entries();
      entry.set_topic("t");
      entry.set_partition(static_cast<std::uint32_t>(writer % 2));
      entry.set_batch_bytes(static_cast<std::uint32_t>(batch.size()));
      oracle.sent[key] = number;
      open[client.send(request, batch)] = {key, number};
    }
    const auto answer = client.receive();
    if (!answer || answer->header.correlation_id() == 0) return;
    const auto found = open.find(answer->header.correlation_id());
    if (found == open.end() || answer->header.error_code() != 0) return;
    const auto& result = answer->header.produce().results(0);
    if (result.error().code() == 0) {
      oracle.acked[found->second.key][found->second.number] = result.base_offset();
      ++acks;
    }
    open.erase(found);
  }
}

// Every record of the topic, by partition and offset, through fetch.
std::map<std::pair<int, std::int64_t>, std::pair<std::string, std::optional<std::string>>> read_all(
    NativeClient& client) {
  std::map<std::pair<int, std::int64_t>, std::pair<std::string, std::optional<std::string>>> records;
  for (int partition = 0; partition < 2; ++partition) {
    std::int64_t position = 0;
    while (true) {
      v1::RequestHeader request;
      auto& part = *request.mutable_fetch()->add_partitions();
      part.set_topic("t");
      part.set_partition(static_cast<std::uint32_t>(partition));
      part.set_offset(position);
      const NativeAnswer answer = client.call(request);
      const auto& got = answer.header.fetch().partitions(0);
      REQUIRE(got.error().code() == 0);
      ByteView bytes = answer.attachment;
      while (!bytes.empty()) {
        const auto header = decode_batch_header(bytes);
        REQUIRE_OK(header);
        const ByteView batch = bytes.substr(0, header->total_bytes());
        REQUIRE(batch_crc_holds(batch));
        RecordCursor cursor(*header, batch.substr(kBatchHeaderBytes));
        RecordView record;
        while (*cursor.next(record)) {
          const auto place = std::pair(partition, record.offset.value());
          REQUIRE(!records.contains(place));
          records[place] = {std::string(*record.key),
                            record.value ? std::optional<std::string>(*record.value) : std::nullopt};
        }
        bytes.remove_prefix(header->total_bytes());
      }
      if (got.next_fetch_offset() <= position) break;
      position = got.next_fetch_offset();
    }
  }
  return records;
}

void wait_until_loaded(NativeClient& client) {
  v1::RequestHeader request;
  request.mutable_describe_broker();
  while (client.call(request).header.describe_broker().partitions_loading() > 0) std::this_thread::yield();
}

void check_everything(NativeClient& client, const std::vector<Oracle>& oracles) {
  wait_until_loaded(client);
  const auto records = read_all(client);
  for (int writer = 0; writer < kWriters; ++writer) {
    const Oracle& oracle = oracles[static_cast<std::size_t>(writer)];
    for (const auto& [key, numbers] : oracle.acked) {
      INFO("key " << key);
      for (const auto& [number, offset] : numbers) {
        const auto found = records.find({writer % 2, offset});
        INFO("number " << number << " was acknowledged at offset " << offset);
        REQUIRE(found != records.end());
        CHECK(found->second.first == key);
        CHECK(found->second.second == value_of(number));
      }
      // The latest value is the last acknowledged one or one that was sent after it.
      const std::int64_t last_acked = numbers.rbegin()->first;
      const std::string got = client.get("t", key);
      REQUIRE(got != "<absent>");
      bool explained = false;
      for (std::int64_t number = last_acked; number <= oracle.sent.at(key) && !explained; ++number)
        explained = got == value_of(number).value_or("<deleted>");
      INFO("got " << got.substr(0, 20) << ", last acknowledged " << last_acked);
      CHECK(explained);
    }
  }
  // Nothing that was never sent.
  for (const auto& [place, record] : records) {
    const int writer = record.first[1] - '0';
    REQUIRE(oracles[static_cast<std::size_t>(writer)].sent.contains(record.first));
  }
}

TEST_CASE("kill -9 under load loses nothing that was acknowledged", "[e2e]") {
  const std::uint64_t seed = test_seed();
  INFO("seed " << seed);
  Random random(seed);
  const TempDir directory;
  const std::string data = directory.path() + "/data";
  std::vector<Oracle> oracles(kWriters);
  {
    BrokerProcess broker(data);
    NativeClient client(broker.port());
    // Nothing is compacted away here, so that every acknowledged record can be asked for.
    client.create_topic("t", 2, {{"segment.bytes", "1100000"}, {"min.compaction.lag.ms", "86400000"}});
    CHECK(broker.stop() == 0);
  }
  for (int round = 0; round < kRounds; ++round) {
    INFO("round " << round);
    BrokerProcess broker(data);
    {
      NativeClient client(broker.port());
      check_everything(client, oracles);
    }
    std::atomic<int> acks{0};
    std::vector<std::thread> writers;
    for (int writer = 0; writer < kWriters; ++writer)
      writers.emplace_back(write_until_killed, broker.port(), writer, random.next(),
                           std::ref(oracles[static_cast<std::size_t>(writer)]), std::ref(acks));
    const int enough = static_cast<int>(500 + random.below(4000));
    while (acks < enough) std::this_thread::yield();
    broker.kill();
    for (auto& writer : writers) writer.join();
  }
  BrokerProcess broker(data);
  {
    NativeClient client(broker.port());
    check_everything(client, oracles);
  }
  CHECK(broker.stop() == 0);
}

}  // namespace
}  // namespace logcask::testing
