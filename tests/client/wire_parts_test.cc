// The small sans-I/O parts: frames out of any slicing of the stream, open requests, pauses, batch bytes, progress.

#include "base/random.h"
#include "client/ask.h"
#include "client/backoff.h"
#include "client/batch_buffer.h"
#include "client/frame_assembler.h"
#include "client/replay_progress.h"
#include "client/request_table.h"
#include "client/watch_progress.h"
#include "tests/support/catch.h"
#include "tests/support/seed.h"

namespace logcask::client {
namespace {

std::string frame_of(std::uint64_t id, const std::string& attachment) {
  v1::ResponseHeader header;
  header.set_correlation_id(id);
  std::string bytes;
  append_frame_head(bytes, header, attachment.size());
  return bytes + attachment;
}

TEST_CASE("Frames of any size come out whole however the stream is sliced") {
  const std::uint64_t seed = testing::test_seed();
  INFO("LOGCASK_TEST_SEED=" << seed);
  Random random(seed);
  std::string stream;
  std::vector<std::string> sent;
  for (std::uint64_t i = 0; i < 60; ++i) {
    const std::size_t size = random.one_in(4) ? random.below(300000) : random.below(200);
    sent.push_back(std::string(size, static_cast<char>('a' + i % 26)));
    stream += frame_of(i, sent.back());
  }
  FrameAssembler assembler(FrameLimits{1u << 20});
  std::vector<std::string> received;
  std::size_t at = 0;
  while (at < stream.size()) {
    const auto space = assembler.space();
    REQUIRE_FALSE(space.empty());
    const std::size_t slice = 1 + random.below(random.one_in(3) ? 200000 : 50);
    const std::size_t bytes = std::min({slice, space.size(), stream.size() - at});
    std::memcpy(space.data(), stream.data() + at, bytes);
    assembler.filled(bytes);
    at += bytes;
    while (true) {
      auto frame = assembler.next();
      REQUIRE_OK(frame);
      if (!*frame) break;
      v1::ResponseHeader header;
      REQUIRE(header.ParseFromArray((*frame)->header.data(), static_cast<int>((*frame)->header.size())));
      CHECK(header.correlation_id() == received.size());
      received.emplace_back((*frame)->attachment.view());
    }
  }
  CHECK(received == sent);
}

TEST_CASE("A frame beyond the limit is refused before its bytes are taken") {
  FrameAssembler assembler(FrameLimits{1000});
  const std::string bytes = frame_of(1, std::string(2000, 'x')).substr(0, 8);
  std::memcpy(assembler.space().data(), bytes.data(), bytes.size());
  assembler.filled(bytes.size());
  CHECK(assembler.next().code() == Errc::frame_too_large);
}

OpenRequest request_of(std::uint64_t id, OnLost on_lost, std::int64_t deadline_ns, std::vector<std::uint64_t>& called,
                       bool stream = false) {
  OpenRequest request;
  auto message = std::make_shared<Outgoing>();
  message->id = id;
  request.message = message;
  request.handler = std::make_shared<ResponseHandler>([id, &called](const Result<Response>&) { called.push_back(id); });
  request.deadline_ns = deadline_ns;
  request.on_lost = on_lost;
  request.stream = stream;
  return request;
}

void call_all(const RequestTable::Handlers& handlers) {
  for (const auto& handler : handlers) (*handler)(Error{Errc::internal, "test"});
}

TEST_CASE("An answer finds its request once, a stream until its last") {
  std::vector<std::uint64_t> called;
  RequestTable table;
  table.add(1, request_of(1, OnLost::fail, kNoDeadline, called));
  table.add(2, request_of(2, OnLost::fail, kNoDeadline, called, true));
  CHECK(table.match(1, false));
  CHECK_FALSE(table.match(1, false));
  CHECK(table.match(2, false));
  CHECK(table.match(2, false));
  CHECK(table.match(2, true));
  CHECK_FALSE(table.match(2, false));
  CHECK_FALSE(table.match(77, true));
  CHECK(table.size() == 0);
}

TEST_CASE("Requests end at their deadline and not before") {
  std::vector<std::uint64_t> called;
  RequestTable table;
  table.add(1, request_of(1, OnLost::fail, 100, called));
  table.add(2, request_of(2, OnLost::fail, 200, called));
  table.add(3, request_of(3, OnLost::fail, kNoDeadline, called));
  CHECK(table.earliest_deadline_ns() == 100);
  CHECK(table.expire(99).handlers.empty());
  call_all(table.expire(100).handlers);
  CHECK(called == std::vector<std::uint64_t>{1});
  CHECK(table.earliest_deadline_ns() == 200);
  call_all(table.expire(1000).handlers);
  CHECK(table.earliest_deadline_ns() == kNoDeadline);
  CHECK(table.size() == 1);
}

TEST_CASE("A lost connection fails, keeps or repeats a request by its kind, in the order of sending") {
  std::vector<std::uint64_t> called;
  RequestTable table;
  table.add(5, request_of(5, OnLost::resend, kNoDeadline, called));
  table.add(2, request_of(2, OnLost::fail, kNoDeadline, called));
  table.add(3, request_of(3, OnLost::fail_if_sent, kNoDeadline, called));
  table.add(4, request_of(4, OnLost::fail_if_sent, kNoDeadline, called));
  table.mark_sent(3);
  table.mark_sent(5);
  const auto lost = table.connection_lost();
  call_all(lost.failed);
  CHECK(called == std::vector<std::uint64_t>{2, 3});
  REQUIRE(lost.requeued.size() == 2);
  CHECK(lost.requeued[0]->id == 4);
  CHECK(lost.requeued[1]->id == 5);
}

TEST_CASE("Pauses double up to their maximum and start over after a success") {
  Backoff backoff(100, 1000, 1);
  std::int64_t bound_ms = 100;
  for (int i = 0; i < 8; ++i) {
    const std::int64_t pause_ms = backoff.next_pause_ms();
    CHECK(pause_ms >= bound_ms / 2);
    CHECK(pause_ms <= bound_ms);
    bound_ms = std::min<std::int64_t>(bound_ms * 2, 1000);
  }
  backoff.succeeded();
  CHECK(backoff.next_pause_ms() <= 100);
}

TEST_CASE("A batch encoded in place is what the batch builder builds") {
  BatchBuilder::Options options;
  options.leader_epoch = LeaderEpoch(-1);
  options.producer_id = ProducerId(7);
  options.producer_epoch = 2;
  options.base_sequence = 2147483600;
  BatchBuilder builder(Offset(0), options);
  BatchBuffer buffer;
  const std::string large(70000, 'x');
  const HeaderView headers[] = {{"h", "v"}, {"", std::nullopt}};
  const std::vector<logcask::RecordHeader> same = {{"h", "v"}, {"", std::nullopt}};
  const auto add = [&](std::int64_t index, std::int64_t time, std::optional<ByteView> key,
                       std::optional<ByteView> value, bool with_headers) {
    OutRecord record;
    record.key = key;
    record.value = value;
    if (with_headers) record.headers = headers;
    const std::size_t before = buffer.size_bytes();
    CHECK(buffer.append(record, TimestampMs(time)) == static_cast<std::uint32_t>(index));
    CHECK(buffer.size_bytes() - before <= BatchBuffer::encoded_bound(record));
    builder.add(Offset(index), TimestampMs(time), key, value,
                with_headers ? same : std::vector<logcask::RecordHeader>());
  };
  add(0, 1700000000000, "key", "value", false);
  add(1, 1600000000000, std::nullopt, "", true);  // time may run backwards
  add(2, 1700000000001, "", std::nullopt, false);
  add(3, 1800000000000, "k", large, true);
  for (std::int64_t i = 4; i < 200; ++i) add(i, 1700000000000 + i, "k", "v", false);
  std::string expected;
  REQUIRE_OK(builder.finish(expected));
  REQUIRE_OK(buffer.seal(Compression::none, {ProducerId(7), 2, 2147483600}));
  CHECK(buffer.wire() == expected);
  // Another identity changes the numbers and the checksum, nothing else.
  REQUIRE_OK(buffer.seal(Compression::none, {ProducerId(8), 0, 5}));
  REQUIRE_OK(check_produced_batch(buffer.wire(), BatchRules()));
  CHECK(buffer.wire().substr(57) == expected.substr(57));
}

TEST_CASE("What compression does not make smaller is sent as it is") {
  BatchBuffer buffer;
  OutRecord record;
  record.key = "k";
  record.value = "v";
  buffer.append(record, TimestampMs(1));
  REQUIRE_OK(buffer.seal(Compression::gzip, {}));
  CHECK(decode_batch_header(buffer.wire())->compression() == Compression::none);
}

TEST_CASE("A replay that resumes skips what it has seen and shows each marker once") {
  ReplayProgress progress("start");
  CHECK(progress.token() == "start");
  CHECK(progress.take(PartitionId(0), Offset(10), false, "a").from == Offset(0));
  CHECK(progress.take(PartitionId(0), Offset(10), true, "b").caught_up);
  CHECK(progress.token() == "b");
  const auto again = progress.take(PartitionId(0), Offset(12), true, "");
  CHECK(again.from == Offset(10));
  CHECK_FALSE(again.caught_up);
  CHECK(progress.token() == "b");
  CHECK(progress.take(PartitionId(1), Offset(5), true, "c").caught_up);
  progress.restart();
  CHECK(progress.token().empty());
  CHECK(progress.take(PartitionId(0), Offset(3), true, "d").caught_up);
}

TEST_CASE("A watch that resumes tells only what is new") {
  using Status = Lookup::Status;
  WatchProgress progress(2);
  CHECK(progress.take(0, Status::absent, PartitionId(0), kNoOffset));
  CHECK_FALSE(progress.take(0, Status::absent, PartitionId(0), kNoOffset));
  CHECK(progress.take(0, Status::found, PartitionId(0), Offset(7)));
  CHECK_FALSE(progress.take(0, Status::found, PartitionId(0), Offset(7)));
  CHECK_FALSE(progress.take(0, Status::found, PartitionId(0), Offset(6)));
  CHECK(progress.take(0, Status::deleted, PartitionId(0), Offset(8)));
  CHECK(progress.take(1, Status::found, PartitionId(0), Offset(3)));
  CHECK(progress.take(1, Status::expired, PartitionId(0), Offset(3)));
  CHECK_FALSE(progress.take(2, Status::found, PartitionId(0), Offset(9)));
  CHECK(progress.last_seen() == std::vector<Offset>{Offset(8), Offset(3)});
}

TEST_CASE("A watch of a key in several partitions takes what another one tells, whatever its offset") {
  using Status = Lookup::Status;
  WatchProgress progress(1);
  CHECK(progress.take(0, Status::found, PartitionId(0), Offset(100)));
  CHECK(progress.take(0, Status::found, PartitionId(1), Offset(7)));
  CHECK(progress.last_seen() == std::vector<Offset>{Offset(7)});
  CHECK_FALSE(progress.take(0, Status::found, PartitionId(1), Offset(7)));
  CHECK_FALSE(progress.take(0, Status::found, PartitionId(1), Offset(6)));
  CHECK(progress.take(0, Status::found, PartitionId(0), Offset(101)));
  CHECK(progress.take(0, Status::deleted, PartitionId(-1), Offset(101)));  // gone, nobody says from where
  CHECK_FALSE(progress.take(0, Status::deleted, PartitionId(-1), Offset(101)));
  CHECK(progress.take(0, Status::absent, PartitionId(0), kNoOffset));
}

TEST_CASE("A watch keeps the run of the highest offset it has seen of a partition, whatever a new stream tells") {
  using Status = Lookup::Status;
  WatchProgress progress(2);
  progress.at(PartitionId(0), Offset(3));  // a broker that tells no runs
  CHECK(progress.positions().empty());
  progress.told(PartitionId(0), RunId(1));
  progress.at(PartitionId(0), Offset(7));
  progress.at(PartitionId(0), Offset(5));
  progress.at(PartitionId(0), kNoOffset);
  CHECK(progress.positions().at(PartitionId(0)).offset == Offset(8));
  progress.subscribed();
  progress.at(PartitionId(0), Offset(9));  // not told yet: the old position stays
  CHECK(progress.positions().at(PartitionId(0)).offset == Offset(8));
  progress.told(PartitionId(0), RunId(2));
  progress.at(PartitionId(0), Offset(6));
  CHECK(progress.positions().at(PartitionId(0)).run == RunId(1));
  progress.at(PartitionId(0), Offset(10));
  CHECK(progress.positions().at(PartitionId(0)).run == RunId(2));
  CHECK(progress.take(0, Status::found, PartitionId(0), Offset(10)));
  progress.restart();
  CHECK(progress.positions().empty());
  CHECK_FALSE(progress.seen(0));
  CHECK(progress.last_seen() == std::vector<Offset>{kNoOffset, kNoOffset});
  CHECK(progress.take(0, Status::found, PartitionId(0), Offset(2)));
}

TEST_CASE("A partition's error names it once, whether the broker has named it or not") {
  const auto told = [](const std::string& message) {
    return of_partition({Errc::offset_out_of_range, message}, "orders", 0).message;
  };
  CHECK(told("no such offset") == "orders-0: no such offset");
  CHECK(told("orders-0: offset 7 is above the end") == "orders-0: offset 7 is above the end");
  CHECK(told("orders-0 is offline: no manifest") == "orders-0 is offline: no manifest");
  CHECK(told("orders-01: another's") == "orders-0: orders-01: another's");
}

}  // namespace
}  // namespace logcask::client
