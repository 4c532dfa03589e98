#include "broker/services/fetch_service.h"

#include <numeric>
#include <optional>

#include "tests/broker/services/service_fixture.h"

namespace logcask::testing {
namespace {

struct FetchAnswer {
  std::optional<Status> status;
  std::vector<std::size_t> bytes;
  std::vector<std::size_t> records;
  std::vector<Errc> errors;
  std::vector<Offset> next;
};

class FetchAnswerCall final : public FetchCall {
 public:
  explicit FetchAnswerCall(FetchAnswer& answer) : answer_(answer) {}
  void completed(Status status, std::vector<FetchedPartition> partitions) override {
    REQUIRE(!answer_.status.has_value());
    answer_.status = std::move(status);
    for (const FetchedPartition& part : partitions) {
      std::size_t records = 0;
      for (const ByteView piece : part.data.pieces) records += decode_records(piece).size();
      answer_.records.push_back(records);
      answer_.bytes.push_back(part.data.bytes);
      answer_.errors.push_back(part.error.code());
      answer_.next.push_back(part.data.next_fetch_offset);
    }
  }

 private:
  FetchAnswer& answer_;
};

std::shared_ptr<OpenCall> start_fetch(ServiceFixture& f, FetchAnswer& answer, std::vector<FetchPosition> positions,
                                      FetchService::Options options = {}) {
  return f.fetch.fetch(f.context(), std::move(positions), options, std::make_unique<FetchAnswerCall>(answer));
}

FetchService::Options waiting(std::int64_t max_wait_ms, std::size_t min_bytes = 1) {
  FetchService::Options options;
  options.max_wait_ms = max_wait_ms;
  options.min_bytes = min_bytes;
  return options;
}

FetchPosition at(std::int64_t offset, int partition = 0, const std::string& topic = "t") {
  return {topic, PartitionId(partition), Offset(offset), 0};
}

TEST_CASE("a fetch without waiting answers with what there is, per partition", "[fetch]") {
  ServiceFixture f;
  f.create("t", 2);
  f.put("t", "a", "1", 0);
  f.put("t", "b", "2", 0);
  FetchAnswer answer;
  CHECK(start_fetch(f, answer, {at(0), at(0, 1), at(0, 7), at(0, 0, "nothing"), at(99)}) == nullptr);
  CHECK(answer.records == std::vector<std::size_t>{2, 0, 0, 0, 0});
  CHECK(answer.errors ==
        std::vector<Errc>{Errc::ok, Errc::ok, Errc::unknown_partition, Errc::unknown_topic, Errc::offset_out_of_range});
  CHECK(answer.next[0] == Offset(2));
}

TEST_CASE("a long poll is woken by the first record of any partition", "[fetch]") {
  ServiceFixture f;
  f.create("t", 3);
  FetchAnswer answer;
  const auto open = start_fetch(f, answer, {at(0, 0), at(0, 1), at(0, 2)}, waiting(10'000));
  REQUIRE(open != nullptr);
  f.run();
  CHECK(!answer.status.has_value());
  f.put("t", "a", "1", 1);
  f.run();
  REQUIRE(answer.status.has_value());
  CHECK(answer.records == std::vector<std::size_t>{0, 1, 0});
}

TEST_CASE("a long poll waits for min_bytes and gives what it has at the deadline", "[fetch]") {
  ServiceFixture f;
  f.create("t", 2);
  FetchAnswer answer;
  const auto open = start_fetch(f, answer, {at(0, 0), at(0, 1)}, waiting(1000, 250));
  f.put("t", "a", std::string(100, 'x'), 0);
  f.run();
  CHECK(!answer.status.has_value());
  f.put("t", "b", std::string(100, 'x'), 1);
  f.run();
  REQUIRE(answer.status.has_value());
  CHECK(answer.records == std::vector<std::size_t>{1, 1});

  FetchAnswer late;
  const auto second = start_fetch(f, late, {at(0, 0)}, waiting(1000, 100'000));
  f.loop.advance_ms(900);
  f.run();
  CHECK(!late.status.has_value());
  f.loop.advance_ms(200);
  REQUIRE(late.status.has_value());
  CHECK(late.records == std::vector<std::size_t>{1});
}

TEST_CASE("a long poll that asks for weeks is answered after fetch.wait.max.ms", "[fetch]") {
  ServiceFixture f;
  f.create("t");
  FetchAnswer answer;
  const auto open = start_fetch(f, answer, {at(0)}, waiting(UINT32_MAX));
  REQUIRE(open != nullptr);
  f.loop.advance_ms(299'000);
  f.run();
  CHECK(!answer.status.has_value());
  f.loop.advance_ms(2'000);
  REQUIRE(answer.status.has_value());
  CHECK(answer.status->ok());
  CHECK(answer.records == std::vector<std::size_t>{0});
}

TEST_CASE("a fetch that names a partition twice is refused, naming it", "[fetch]") {
  CHECK(FetchService::check(std::vector{at(0), at(5, 1), at(0, 0, "u")}).ok());
  const Status twice = FetchService::check(std::vector{at(0), at(5, 1), at(7)});
  REQUIRE(twice.code() == Errc::invalid_argument);
  CHECK(twice.error().message.find("t-0") != std::string::npos);
}

TEST_CASE("a fetch that knows the topic by its id does not read another one of the name", "[fetch]") {
  ServiceFixture f;
  f.create("t");
  f.put("t", "a", "1");
  FetchPosition known = at(0), other = at(0);
  known.topic_id = f.topics.find("t")->record.id;
  other.topic_id = TopicId();
  // Both may stand in one request: a topic that is made anew meanwhile has had two.
  CHECK(FetchService::check(std::vector{known, other}).ok());
  CHECK_FALSE(FetchService::check(std::vector{known, other, known}).ok());
  FetchAnswer answer;
  CHECK(start_fetch(f, answer, {known, other}, waiting(10'000)) == nullptr);
  CHECK(answer.records == std::vector<std::size_t>{1, 0});
  CHECK(answer.errors == std::vector<Errc>{Errc::ok, Errc::topic_changed});
}

TEST_CASE("a long poll over many partitions goes on waiting after news that is not enough", "[fetch]") {
  constexpr int kPartitions = 20;
  ServiceFixture f;
  f.create("t", kPartitions);
  std::vector<FetchPosition> positions;
  for (int i = 0; i < kPartitions; ++i) positions.push_back(at(0, i));
  FetchAnswer answer;
  const auto open = start_fetch(f, answer, positions, waiting(10'000, 1000));
  REQUIRE(open != nullptr);
  f.run();
  for (int i = 0; i < kPartitions / 2; ++i) f.put("t", "k", "1", i);
  f.run();
  CHECK(!answer.status.has_value());
  f.put("t", "k", std::string(1000, 'v'), 3);
  f.run();
  REQUIRE(answer.status.has_value());
  CHECK(std::accumulate(answer.records.begin(), answer.records.end(), std::size_t{0}) == kPartitions / 2 + 1);
}

TEST_CASE("a cancelled long poll is answered once, whatever comes later", "[fetch]") {
  ServiceFixture f;
  f.create("t");
  FetchAnswer answer;
  const auto open = start_fetch(f, answer, {at(0)}, waiting(1000));
  open->cancel(Error{Errc::cancelled, "no"});
  CHECK(answer.status->code() == Errc::cancelled);
  f.put("t", "a", "1");
  f.run();
  f.loop.advance_ms(2000);
}

TEST_CASE("a partition that closes wakes its long polls", "[fetch]") {
  ServiceFixture f;
  f.create("t");
  FetchAnswer answer;
  const auto open = start_fetch(f, answer, {at(0)}, waiting(100'000));
  f.run();
  f.partition("t").partition().close(Error{Errc::shutting_down, "bye"});
  f.run();
  REQUIRE(answer.status.has_value());
}

TEST_CASE("a first batch larger than the limit is sent whole, and only that", "[fetch]") {
  ServiceFixture f;
  f.create("t", 2);
  f.put("t", "a", std::string(5000, 'x'), 0);
  f.put("t", "b", "small", 0);
  f.put("t", "c", "small", 1);
  FetchAnswer answer;
  FetchService::Options options;
  options.max_bytes = 10;
  start_fetch(f, answer, {at(0, 0), at(0, 1)}, options);
  CHECK(answer.records == std::vector<std::size_t>{1, 0});
  CHECK(answer.next[0] == Offset(1));
  CHECK(answer.next[1] == Offset(0));
}

class Follower final : public FollowSink {
 public:
  struct Seen {
    std::vector<std::string> records;
    std::optional<Status> ended;
  };
  explicit Follower(Seen& seen) : seen_(seen) {}
  void news(std::size_t index, FetchedPartition part) override {
    if (!part.error.ok()) seen_.records.push_back("error " + std::to_string(index));
    for (const ByteView piece : part.data.pieces)
      for (const auto& record : decode_records(piece))
        seen_.records.push_back(std::to_string(index) + ":" + record.key);
  }
  void ended(Status status) override { seen_.ended = std::move(status); }

 private:
  Seen& seen_;
};

TEST_CASE("a follower gets every record in order while it grants credit", "[fetch]") {
  ServiceFixture f;
  f.create("t");
  f.put("t", "a", "1");
  f.put("t", "b", "1");
  Follower::Seen seen;
  const auto open = f.fetch.follow(f.context(), {at(0)}, 1, std::make_unique<Follower>(seen));
  f.run();
  CHECK(seen.records == std::vector<std::string>{"0:a"});
  open->add_credit(1u << 20);
  f.run();
  f.put("t", "c", "1");
  f.run();
  CHECK(seen.records == std::vector<std::string>{"0:a", "0:b", "0:c"});
  open->cancel(Error{Errc::cancelled, "no"});
  CHECK(seen.ended->code() == Errc::cancelled);
  f.put("t", "d", "1");
  f.run();
  CHECK(seen.records.size() == 3);
}

TEST_CASE("a follower of a read-only partition keeps no loop busy and goes on after a reopen", "[fetch]") {
  ServiceFixture f;
  f.create("t");
  f.put("t", "a", "1");
  f.make_read_only("t");
  Follower::Seen seen;
  const auto open = f.fetch.follow(f.context(), {at(0)}, 1u << 20, std::make_unique<Follower>(seen));
  int turns = 0;
  while (turns < 100 && f.turn_loop()) ++turns;
  CHECK(turns < 100);
  CHECK(seen.records == std::vector<std::string>{"0:a"});
  REQUIRE_OK(f.partition("t").partition().reopen());
  f.partition("t").run_all();
  f.put("t", "b", "1");
  f.loop.advance_ms(1000);
  f.run();
  CHECK(seen.records.back() == "0:b");
}

TEST_CASE("a long poll at the end of a read-only partition waits for its deadline", "[fetch]") {
  ServiceFixture f;
  f.create("t");
  f.put("t", "a", "1");
  f.make_read_only("t");
  FetchAnswer answer;
  const auto open = start_fetch(f, answer, {at(1)}, waiting(1000));
  f.run();
  CHECK(!answer.status.has_value());
  f.loop.advance_ms(1100);
  REQUIRE(answer.status.has_value());
  CHECK(answer.errors == std::vector<Errc>{Errc::ok});
}

}  // namespace
}  // namespace logcask::testing
