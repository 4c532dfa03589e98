// Whatever a peer sends, or does not send, the broker answers or closes, and goes on serving others.
#include <chrono>
#include <map>

#include "base/coding.h"
#include "base/random.h"
#include "proto/frame.h"
#include "proto/record_batch.h"
#include "tests/broker/broker_fixture.h"
#include "tests/support/seed.h"

namespace logcask::testing {
namespace {

std::string frame_prefix(std::uint32_t frame_bytes, std::uint32_t header_bytes) {
  std::string prefix(8, '\0');
  store_be(prefix.data(), frame_bytes);
  store_be(prefix.data() + 4, header_bytes);
  return prefix;
}

// The error frame before the end, and then the end.
void expect_closed_with(NativeClient& client, Errc code) {
  const auto answer = client.receive();
  REQUIRE(answer.has_value());
  CHECK(answer->header.correlation_id() == 0);
  CHECK(answer->header.error_code() == static_cast<int>(code));
  CHECK(client.closed_by_peer());
}

void expect_served(BrokerFixture& broker) {
  NativeClient honest(broker.port());
  v1::RequestHeader request;
  request.mutable_metadata();
  CHECK(honest.call(request).header.error_code() == 0);
}

TEST_CASE("the first request must be Hello", "[session]") {
  BrokerFixture broker;
  NativeClient client(broker.port(), false);
  v1::RequestHeader request;
  request.mutable_metadata();
  client.send(request);
  expect_closed_with(client, Errc::malformed_frame);
}

TEST_CASE("a client of another protocol version is told which ones are spoken", "[session]") {
  BrokerFixture broker;
  NativeClient client(broker.port(), false);
  v1::RequestHeader request;
  request.mutable_hello()->set_min_protocol_version(7);
  request.mutable_hello()->set_max_protocol_version(9);
  const NativeAnswer answer = client.call(request);
  CHECK(answer.header.error_code() == static_cast<int>(Errc::unsupported_version));
  CHECK(answer.header.error_message().find("7 to 9") != std::string::npos);
}

TEST_CASE("frames that declare too much are refused before anything is allocated for them", "[session]") {
  BrokerFixture broker;
  {
    NativeClient client(broker.port(), false);
    client.send_raw(frame_prefix(100'000, 10));
    expect_closed_with(client, Errc::frame_too_large);
  }
  {
    NativeClient client(broker.port());
    client.send_raw(frame_prefix(0x7fffffff, 10));
    expect_closed_with(client, Errc::frame_too_large);
  }
  {
    NativeClient client(broker.port());
    client.send_raw(frame_prefix(20, 0xffffffff));
    expect_closed_with(client, Errc::malformed_frame);
  }
  {
    NativeClient client(broker.port());
    client.send_raw(frame_prefix(2, 0));
    expect_closed_with(client, Errc::malformed_frame);
  }
  expect_served(broker);
}

TEST_CASE("a header that is no protobuf ends the connection, an unknown request does not", "[session]") {
  BrokerFixture broker;
  NativeClient client(broker.port());
  v1::RequestHeader nothing;
  CHECK(client.call(nothing).header.error_code() == static_cast<int>(Errc::unknown_request));
  client.send_raw(frame_prefix(8, 4) + "\xff\xff\xff\xff");
  expect_closed_with(client, Errc::malformed_frame);
}

TEST_CASE("a request with text that is not UTF-8 is answered by what is wrong, and ends the connection", "[session]") {
  BrokerFixture broker;
  NativeClient client(broker.port());
  v1::RequestHeader request;
  request.mutable_describe_topic()->set_name("\xff");
  const auto answer = client.call(request).header;
  CHECK(answer.error_code() == static_cast<int>(Errc::malformed_frame));
  CHECK(answer.error_message().find("UTF-8") != std::string::npos);
  CHECK(client.closed_by_peer());
  expect_served(broker);
}

TEST_CASE("attachments that do not fit their header are refused and the connection lives", "[session]") {
  BrokerFixture broker;
  NativeClient client(broker.port());
  client.create_topic("t");
  v1::RequestHeader get;
  get.mutable_get()->set_topic("t");
  get.mutable_get()->set_partition(-1);
  get.mutable_get()->set_key_count(1000);
  CHECK(client.call(get, "short").header.error_code() == static_cast<int>(Errc::malformed_frame));
  v1::RequestHeader produce;
  auto& entry = *produce.mutable_produce()->add_entries();
  entry.set_topic("t");
  entry.set_batch_bytes(1u << 30);
  CHECK(client.call(produce, "x").header.error_code() == static_cast<int>(Errc::malformed_frame));
  entry.set_batch_bytes(1);
  CHECK(client.call(produce, "xyz").header.error_code() == static_cast<int>(Errc::malformed_frame));
  CHECK(client.call(produce, "x").header.produce().results(0).error().code() != 0);
  CHECK(client.put("t", "a", "1") == 0);
}

TEST_CASE("a partition number above 2^31-1 is an unknown partition to every request", "[session]") {
  BrokerFixture broker;
  NativeClient client(broker.port());
  client.create_topic("t", 2);
  constexpr int kUnknown = static_cast<int>(Errc::unknown_partition);
  // Without their highest bit they would be partitions 0, 1 and, of no topic here, 2^31-1.
  for (const std::uint32_t number : {2147483648u, 2147483649u, 4294967295u}) {
    INFO(number);
    v1::RequestHeader produce, fetch, offsets, get, replay, commit, committed;
    const std::string batch = one_record_batch("k", "v");
    auto& entry = *produce.mutable_produce()->add_entries();
    entry.set_topic("t");
    entry.set_partition(number);
    entry.set_batch_bytes(static_cast<std::uint32_t>(batch.size()));
    const auto produced = client.call(produce, batch);
    CHECK(produced.header.produce().results(0).error().code() == kUnknown);
    CHECK(produced.header.produce().results(0).error().message().find(std::to_string(number)) != std::string::npos);
    auto& position = *fetch.mutable_fetch()->add_partitions();
    position.set_topic("t");
    position.set_partition(number);
    CHECK(client.call(fetch).header.fetch().partitions(0).error().code() == kUnknown);
    auto& query = *offsets.mutable_list_offsets()->add_partitions();
    query.set_topic("t");
    query.set_partition(number);
    query.set_timestamp_ms(-1);
    CHECK(client.call(offsets).header.list_offsets().partitions(0).error().code() == kUnknown);
    get.mutable_get()->set_topic("t");
    get.mutable_get()->set_partition(-1);
    get.mutable_get()->set_key_count(1);
    get.mutable_get()->add_min_offsets()->set_partition(number);
    CHECK(client.call(get, std::string("\0\0\0\1k", 5)).header.error_code() == kUnknown);
    replay.mutable_replay()->set_topic("t");
    replay.mutable_replay()->add_partitions(number);
    CHECK(client.call(replay).header.error_code() == kUnknown);
    auto& place = *commit.mutable_commit_offsets()->add_entries();
    commit.mutable_commit_offsets()->set_group("g");
    place.set_topic("t");
    place.set_partition(number);
    CHECK(client.call(commit).header.commit_offsets().errors(0).code() == kUnknown);
    auto& asked = *committed.mutable_fetch_offsets()->add_entries();
    committed.mutable_fetch_offsets()->set_group("g");
    asked.set_topic("t");
    asked.set_partition(number);
    CHECK(client.call(committed).header.fetch_offsets().entries(0).committed_end() == -1);
  }
  CHECK(client.get("t", "k") == "<absent>");
}

TEST_CASE("random bytes and random damage to good frames never take the broker down", "[session]") {
  const std::uint64_t seed = test_seed();
  INFO("seed " << seed);
  Random random(seed);
  BrokerFixture broker;
  {
    NativeClient client(broker.port());
    client.create_topic("t");
  }
  const std::string batch = one_record_batch("key", "value");
  for (int round = 0; round < 150; ++round) {
    NativeClient client(broker.port(), round % 3 != 0);
    std::string bytes;
    if (round % 2 == 0) {
      bytes.resize(random.below(2000));
      for (char& c : bytes) c = static_cast<char>(random.next());
    } else {
      for (int i = 0; i < 5; ++i) {
        v1::RequestHeader request;
        request.set_correlation_id(static_cast<std::uint64_t>(i));
        if (i % 2 == 0) {
          auto& entry = *request.mutable_produce()->add_entries();
          entry.set_topic("t");
          entry.set_batch_bytes(static_cast<std::uint32_t>(batch.size()));
          append_frame_head(bytes, request, batch.size());
          bytes += batch;
        } else {
          request.mutable_replay()->set_topic("t");
          request.mutable_replay()->set_credit_bytes(100);
          append_frame_head(bytes, request, 0);
        }
      }
      for (int flips = 0; flips < 3; ++flips)
        bytes[random.below(bytes.size())] ^= static_cast<char>(1 + random.below(255));
    }
    client.send_raw(bytes);
  }
  expect_served(broker);
}

TEST_CASE("slow and silent peers are closed when their time is over", "[session]") {
  BrokerFixture broker(
      SettingValues{{"hello.timeout.ms", "200"}, {"frame.timeout.ms", "200"}, {"idle.timeout.ms", "400"}});
  SECTION("no Hello") {
    NativeClient client(broker.port(), false);
    expect_closed_with(client, Errc::timed_out);
  }
  SECTION("half a frame") {
    NativeClient client(broker.port());
    client.send_raw(frame_prefix(1000, 10) + "abc");
    expect_closed_with(client, Errc::timed_out);
  }
  SECTION("nothing at all") {
    NativeClient client(broker.port());
    expect_closed_with(client, Errc::timed_out);
  }
  SECTION("an open stream is not idle") {
    NativeClient client(broker.port());
    client.create_topic("t");
    v1::RequestHeader replay;
    replay.mutable_replay()->set_topic("t");
    replay.mutable_replay()->set_credit_bytes(1u << 20);
    const auto id = client.send(replay);
    CHECK(client.answer_to(id).header.replay().caught_up());
    NativeClient other(broker.port());
    for (int i = 0; i < 4; ++i) {
      // Longer than the idle timeout in all, each wait shorter than it.
      v1::RequestHeader fetch;
      fetch.mutable_fetch()->set_max_wait_ms(250);
      fetch.mutable_fetch()->set_min_bytes(1);
      fetch.mutable_fetch()->add_partitions()->set_topic("t");
      other.call(fetch);
    }
    CHECK(other.put("t", "a", "1") == 0);
    CHECK(client.answer_to(id).attachment.size() > 0);
  }
}

TEST_CASE("a peer that reads nothing is not read from, and is closed in the end", "[session]") {
  BrokerFixture broker(SettingValues{{"write.timeout.ms", "300"}, {"connection.output.max.bytes", "65536"}});
  NativeClient client(broker.port());
  client.create_topic("t");
  REQUIRE(client.put("t", "big", std::string(500'000, 'x')) == 0);
  NativeClient deaf(broker.port());
  deaf.shrink_receive_buffer();
  v1::RequestHeader fetch;
  auto& part = *fetch.mutable_fetch()->add_partitions();
  part.set_topic("t");
  // More than any socket buffer holds.
  for (int i = 0; i < 60; ++i) deaf.send(fetch);
  // It never reads; the broker notices by itself, and others do not.
  CHECK(client.get("t", "big").size() == 500'000);
  bool closed = false;
  for (int i = 0; i < 100 && !closed; ++i) {
    v1::RequestHeader wait;
    wait.mutable_fetch()->set_max_wait_ms(100);
    wait.mutable_fetch()->set_min_bytes(1u << 20);
    auto& at_end = *wait.mutable_fetch()->add_partitions();
    at_end.set_topic("t");
    at_end.set_offset(1);
    client.call(wait);
    v1::RequestHeader describe;
    describe.mutable_describe_broker();
    closed = client.call(describe).header.describe_broker().connections() == 1;
  }
  CHECK(closed);
}

// A frame of `frame_bytes` without its last byte.
std::string all_but_the_last_byte(std::uint32_t frame_bytes) {
  return frame_prefix(frame_bytes - 4, 10) + std::string(frame_bytes - 9, 'x');
}

TEST_CASE("large frames wait for memory that others hold, small ones do not", "[session]") {
  BrokerFixture broker(SettingValues{
      {"frame.max.bytes", "1048576"}, {"requests.inflight.max.bytes", "2097152"}, {"frame.timeout.ms", "1500"}});
  NativeClient client(broker.port());
  client.create_topic("t", 1, {{"max.message.bytes", "900000"}});
  // It holds all there is for large frames.
  NativeClient hoarder(broker.port());
  hoarder.send_raw(all_but_the_last_byte(1u << 20));
  std::vector<std::unique_ptr<NativeClient>> small_hoarders;
  for (int i = 0; i < 8; ++i) {
    small_hoarders.push_back(std::make_unique<NativeClient>(broker.port()));
    small_hoarders.back()->send_raw(all_but_the_last_byte(32u << 10));
  }
  // The honest frame's own time begins well after the hoarder's, so that it cannot end first.
  const auto begin = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - begin < std::chrono::milliseconds(500))
    CHECK(client.put("t", "small", "before") >= 0);
  const std::string big(600'000, 'b');
  NativeClient honest(broker.port());
  const std::string batch = one_record_batch("big", big);
  v1::RequestHeader produce;
  auto& entry = *produce.mutable_produce()->add_entries();
  entry.set_topic("t");
  entry.set_batch_bytes(static_cast<std::uint32_t>(batch.size()));
  const auto id = honest.send(produce, batch);
  // Lookups and small records go on meanwhile.
  for (int i = 0; i < 20; ++i) CHECK(client.put("t", "small", std::to_string(i)) >= 0);
  CHECK(client.get("t", "small") == "19");
  CHECK(client.get("t", "big") == "<absent>");
  // The hoarder's time ends, and the honest one's frame is read.
  expect_closed_with(hoarder, Errc::timed_out);
  CHECK(honest.answer_to(id).header.produce().results(0).error().code() == 0);
  CHECK(client.get("t", "big") == big);
}

TEST_CASE("a frame that gets no memory in its time is refused as retriable", "[session]") {
  BrokerFixture broker(SettingValues{
      {"frame.max.bytes", "1048576"}, {"requests.inflight.max.bytes", "2097152"}, {"frame.timeout.ms", "1500"}});
  NativeClient first(broker.port()), second(broker.port()), third(broker.port());
  // In line, each with a time of its own: the second one's begins when it gets the memory.
  first.send_raw(all_but_the_last_byte(1u << 20));
  v1::RequestHeader request;
  request.mutable_metadata();
  NativeClient other(broker.port());
  CHECK(other.call(request).header.error_code() == 0);
  second.send_raw(all_but_the_last_byte(1u << 20));
  third.send_raw(all_but_the_last_byte(1u << 20));
  expect_closed_with(first, Errc::timed_out);
  std::map<int, int> fates;
  for (NativeClient* client : {&second, &third}) {
    const auto answer = client->receive();
    REQUIRE(answer.has_value());
    ++fates[answer->header.error_code()];
    CHECK(client->closed_by_peer());
  }
  CHECK(fates[static_cast<int>(Errc::timed_out)] + fates[static_cast<int>(Errc::limit_exceeded)] == 2);
  CHECK(fates[static_cast<int>(Errc::limit_exceeded)] >= 1);
}

TEST_CASE("credit without end does not fill the memory of a broker whose client reads nothing", "[session]") {
  BrokerFixture broker(SettingValues{{"connection.output.max.bytes", "65536"},
                                     {"fetch.max.bytes", "1048576"},
                                     {"write.timeout.ms", "60000"},
                                     {"answers.waiting.max.bytes", "4194304"}});
  NativeClient client(broker.port());
  client.create_topic("t", 1, {{"cleanup.policy", "delete"}});
  constexpr int kRecords = 100;
  for (int i = 0; i < kRecords; ++i) REQUIRE(client.put("t", "k" + std::to_string(i), std::string(400'000, 'x')) >= 0);
  NativeClient reader(broker.port());
  v1::RequestHeader follow;
  follow.mutable_fetch()->set_follow(true);
  follow.mutable_fetch()->set_credit_bytes(UINT32_MAX);
  follow.mutable_fetch()->add_partitions()->set_topic("t");
  const auto id = reader.send(follow);
  v1::RequestHeader describe;
  describe.mutable_describe_broker();
  // What was read for it: what the kernel's buffers took and a little more, and then no more.
  const auto fetched = [&] {
    const NativeAnswer answer = client.call(describe);
    for (const auto& counter : answer.header.describe_broker().counters())
      if (counter.name() == "bytes_fetched") return counter.value();
    return -1.0;
  };
  double last = -1, now = fetched();
  for (int i = 0; i < 100 && (now == 0 || now != last); ++i) {
    last = now;
    for (int turns = 0; turns < 50; ++turns) now = fetched();
  }
  CHECK(now > 0);
  CHECK(now < kRecords * 400'000.0 / 2);
  // It gets all of it when it reads.
  std::int64_t end = 0;
  while (end < kRecords) end = reader.answer_to(id).header.fetch().partitions(0).next_fetch_offset();
  CHECK(end == kRecords);
}

TEST_CASE("a batch that unpacks to more than the broker's memory bears is refused", "[session]") {
  BrokerFixture broker(SettingValues{{"batch.decompressed.max.bytes", "1048576"}});
  NativeClient client(broker.port());
  client.create_topic("t");
  for (const Compression codec : {Compression::gzip, Compression::snappy, Compression::lz4, Compression::zstd}) {
    BatchBuilder::Options options;
    options.compression = codec;
    // One large record, then very many small ones.
    BatchBuilder large(Offset(0), options), many(Offset(0), options);
    large.add(Offset(0), TimestampMs(1), ByteView("k"), ByteView(std::string(2u << 20, '0')));
    for (int i = 0; i < 20'000; ++i) many.add(Offset(i), TimestampMs(1), ByteView("k"), ByteView());
    for (BatchBuilder* builder : {&large, &many}) {
      std::string batch;
      REQUIRE_OK(builder->finish(batch));
      v1::RequestHeader request;
      auto& entry = *request.mutable_produce()->add_entries();
      entry.set_topic("t");
      entry.set_batch_bytes(static_cast<std::uint32_t>(batch.size()));
      CHECK(client.call(request, batch).header.produce().results(0).error().code() ==
            static_cast<int>(Errc::message_too_large));
    }
  }
  CHECK(client.put("t", "k", "v") == 0);
}

TEST_CASE("connections beyond the limits are closed at once", "[session]") {
  BrokerFixture broker(SettingValues{{"connections.max", "3"}});
  NativeClient a(broker.port()), b(broker.port()), c(broker.port());
  NativeClient refused(broker.port(), false);
  CHECK(refused.closed_by_peer());
  v1::RequestHeader request;
  request.mutable_describe_broker();
  CHECK(a.call(request).header.describe_broker().connections() == 3);
}

TEST_CASE("streams beyond the limit are refused and the others go on", "[session]") {
  BrokerFixture broker(SettingValues{{"connection.streams.max", "2"}});
  NativeClient client(broker.port());
  client.create_topic("t");
  v1::RequestHeader replay;
  replay.mutable_replay()->set_topic("t");
  replay.mutable_replay()->set_credit_bytes(1000);
  const auto first = client.send(replay);
  const auto second = client.send(replay);
  CHECK(client.call(replay).header.error_code() == static_cast<int>(Errc::limit_exceeded));
  CHECK(client.answer_to(first).header.replay().caught_up());
  CHECK(client.answer_to(second).header.replay().caught_up());
  v1::RequestHeader cancel;
  cancel.mutable_cancel()->set_target_correlation_id(first);
  client.send(cancel);
  const NativeAnswer ended = client.answer_to(first);
  CHECK(ended.header.end());
  CHECK(ended.header.error_code() == static_cast<int>(Errc::cancelled));
  CHECK(client.answer_to(client.send(replay)).header.replay().caught_up());
}

TEST_CASE("many requests in one write, a few large, are all answered, produce in order", "[session]") {
  BrokerFixture broker(SettingValues{{"io.threads", "2"}});
  NativeClient client(broker.port());
  client.create_topic("t");
  std::string bytes;
  const int count = 3000;
  BatchBuilder::Options options;
  options.compression = Compression::zstd;
  BatchBuilder builder(Offset(0), options);
  builder.add(Offset(0), TimestampMs(1), ByteView("k"), ByteView(std::string(2u << 20, '0')));
  std::string large;
  REQUIRE_OK(builder.finish(large));
  for (int i = 0; i < count; ++i) {
    // Unpacked by another thread than the others.
    const std::string batch = i % 100 == 50 ? large : one_record_batch("k", std::to_string(i));
    v1::RequestHeader request;
    request.set_correlation_id(static_cast<std::uint64_t>(1'000'000 + i));
    request.mutable_produce()->set_acks(i % 3 == 0 || i == count - 1 ? v1::ProduceRequest::ACKS_ALL
                                                                     : v1::ProduceRequest::ACKS_ONE);
    auto& entry = *request.mutable_produce()->add_entries();
    entry.set_topic("t");
    entry.set_batch_bytes(static_cast<std::uint32_t>(batch.size()));
    append_frame_head(bytes, request, batch.size());
    bytes += batch;
  }
  client.send_raw(bytes);
  std::vector<bool> answered(count, false);
  for (int n = 0; n < count; ++n) {
    const auto answer = client.receive();
    REQUIRE(answer.has_value());
    const auto i = static_cast<std::size_t>(answer->header.correlation_id() - 1'000'000);
    REQUIRE(i < answered.size());
    CHECK(!answered[i]);
    answered[i] = true;
    CHECK(answer->header.produce().results(0).base_offset() == static_cast<std::int64_t>(i));
  }
  CHECK(client.get("t", "k") == std::to_string(count - 1));
}

TEST_CASE("a broker that stops tells its streams why", "[session]") {
  BrokerFixture broker;
  NativeClient client(broker.port());
  client.create_topic("t");
  v1::RequestHeader replay;
  replay.mutable_replay()->set_topic("t");
  replay.mutable_replay()->set_credit_bytes(1000);
  const auto id = client.send(replay);
  CHECK(client.answer_to(id).header.replay().caught_up());
  broker.stop();
  const NativeAnswer ended = client.answer_to(id);
  CHECK(ended.header.end());
  CHECK(ended.header.error_code() == static_cast<int>(Errc::shutting_down));
  broker.start();
}

}  // namespace
}  // namespace logcask::testing
