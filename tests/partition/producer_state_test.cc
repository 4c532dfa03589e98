#include "partition/producer_state.h"

#include "tests/support/catch.h"

namespace logcask {
namespace {

constexpr ProducerId kP{7};
constexpr std::int32_t kMaxSequence = 2147483647;
constexpr TimestampMs kNow{1'000'000};

enum class Verdict { fresh, duplicate, out_of_order, old_epoch, invalid, full };

Verdict verdict(const ProducerState& state, ProducerId id, int epoch, std::int32_t first, std::int32_t records,
                TimestampMs now = kNow) {
  const auto answer = state.check(id, static_cast<std::int16_t>(epoch), first, records, now);
  if (answer.ok()) return answer->has_value() ? Verdict::duplicate : Verdict::fresh;
  switch (answer.code()) {
    case Errc::out_of_order_sequence:
      return Verdict::out_of_order;
    case Errc::invalid_producer_epoch:
      return Verdict::old_epoch;
    case Errc::invalid_argument:
      return Verdict::invalid;
    case Errc::limit_exceeded:
      return Verdict::full;
    default:
      FAIL("unexpected " << answer.error().to_string());
  }
  return Verdict::invalid;
}

void record(ProducerState& state, ProducerId id, int epoch, std::int32_t first, std::int32_t records,
            std::int64_t offset, TimestampMs now = kNow) {
  state.record(id, static_cast<std::int16_t>(epoch), first, records, Offset(offset), Offset(offset + records - 1), now);
}

TEST_CASE("Kafka's table of sequence numbers and epochs") {
  ProducerState state;
  record(state, kP, 3, 10, 5, 100);  // 10..14
  record(state, kP, 3, 15, 1, 105);
  struct Row {
    int epoch;
    std::int32_t first, records;
    Verdict expected;
  };
  const Row rows[] = {
      {3, 16, 1, Verdict::fresh},        {3, 16, 100, Verdict::fresh},      {3, 17, 1, Verdict::out_of_order},
      {3, 15, 1, Verdict::duplicate},    {3, 10, 5, Verdict::duplicate},    {3, 10, 4, Verdict::out_of_order},
      {3, 11, 4, Verdict::out_of_order}, {3, 10, 6, Verdict::out_of_order}, {3, 15, 2, Verdict::out_of_order},
      {3, 0, 1, Verdict::out_of_order},  {4, 0, 1, Verdict::fresh},         {4, 16, 1, Verdict::out_of_order},
      {4, 1, 1, Verdict::out_of_order},  {9, 0, 3, Verdict::fresh},         {2, 16, 1, Verdict::old_epoch},
      {2, 15, 1, Verdict::old_epoch},    {0, 0, 1, Verdict::old_epoch},     {-1, 0, 1, Verdict::invalid},
      {3, -1, 1, Verdict::invalid},      {3, 16, 0, Verdict::invalid},
  };
  for (const Row& row : rows) {
    INFO("epoch " << row.epoch << " first " << row.first << " records " << row.records);
    CHECK(verdict(state, kP, row.epoch, row.first, row.records) == row.expected);
  }
  CHECK(verdict(state, ProducerId(8), 0, 12345, 1) == Verdict::fresh);  // unknown: may start anywhere
  CHECK(verdict(state, ProducerId(-1), 0, 0, 1) == Verdict::invalid);
}

TEST_CASE("a duplicate is answered with the original's offsets and time") {
  ProducerState state;
  record(state, kP, 0, 0, 3, 40, TimestampMs(111));
  record(state, kP, 0, 3, 2, 50, TimestampMs(222));
  const auto answer = state.check(kP, 0, 0, 3, kNow);
  REQUIRE_OK(answer);
  REQUIRE(answer->has_value());
  CHECK(**answer == ProducerBatch{0, 2, Offset(40), Offset(42), TimestampMs(111)});
}

TEST_CASE("the last five batches are remembered, older ones are out of order") {
  ProducerState state;
  for (int i = 0; i < 8; ++i) record(state, kP, 0, i, 1, i);
  CHECK(verdict(state, kP, 0, 2, 1) == Verdict::out_of_order);
  for (int i = 3; i < 8; ++i) CHECK(verdict(state, kP, 0, i, 1) == Verdict::duplicate);
  CHECK(verdict(state, kP, 0, 8, 1) == Verdict::fresh);
}

TEST_CASE("sequence numbers wrap after 2147483647, also inside a batch") {
  CHECK(ProducerState::last_sequence(0, 1) == 0);
  CHECK(ProducerState::last_sequence(kMaxSequence, 1) == kMaxSequence);
  CHECK(ProducerState::last_sequence(kMaxSequence, 2) == 0);
  CHECK(ProducerState::last_sequence(kMaxSequence - 1, 5) == 2);
  CHECK(ProducerState::last_sequence(kMaxSequence, kMaxSequence) == kMaxSequence - 2);
  ProducerState state;
  record(state, kP, 0, kMaxSequence - 1, 2, 0);
  CHECK(verdict(state, kP, 0, 0, 1) == Verdict::fresh);
  CHECK(verdict(state, kP, 0, 1, 1) == Verdict::out_of_order);
  record(state, kP, 0, 0, 1, 2);
  ProducerState inside;
  record(inside, kP, 0, kMaxSequence - 1, 5, 0);  // last is 2
  CHECK(verdict(inside, kP, 0, 3, 1) == Verdict::fresh);
  CHECK(verdict(inside, kP, 0, kMaxSequence - 1, 5) == Verdict::duplicate);
}

TEST_CASE("a new epoch forgets the batches of the old one") {
  ProducerState state;
  record(state, kP, 0, 0, 1, 0);
  record(state, kP, 1, 0, 2, 1);
  CHECK(verdict(state, kP, 1, 0, 1) == Verdict::out_of_order);
  CHECK(verdict(state, kP, 1, 0, 2) == Verdict::duplicate);
  CHECK(verdict(state, kP, 1, 2, 1) == Verdict::fresh);
}

TEST_CASE("an idle producer expires and may then start anywhere") {
  ProducerStateConfig config;
  config.expiration_ms = 1000;
  ProducerState state(config);
  record(state, ProducerId(1), 5, 0, 1, 0, TimestampMs(0));
  record(state, ProducerId(2), 5, 0, 1, 1, TimestampMs(500));
  record(state, ProducerId(1), 5, 1, 1, 2, TimestampMs(600));
  CHECK(state.expire(TimestampMs(1500)) == 0);
  CHECK(state.expire(TimestampMs(1501)) == 1);
  CHECK(state.size() == 1);
  CHECK(verdict(state, ProducerId(2), 0, 77, 1) == Verdict::fresh);
  CHECK(verdict(state, ProducerId(1), 5, 77, 1) == Verdict::out_of_order);
}

TEST_CASE("at the limit an idle producer makes room, an active one does not") {
  ProducerStateConfig config;
  config.max_producers = 2;
  config.min_idle_ms = 100;
  ProducerState state(config);
  record(state, ProducerId(1), 0, 0, 1, 0, TimestampMs(0));
  record(state, ProducerId(2), 0, 0, 1, 1, TimestampMs(50));
  CHECK(verdict(state, ProducerId(3), 0, 0, 1, TimestampMs(99)) == Verdict::full);
  CHECK(verdict(state, ProducerId(2), 0, 1, 1, TimestampMs(99)) == Verdict::fresh);
  CHECK(verdict(state, ProducerId(3), 0, 0, 1, TimestampMs(100)) == Verdict::fresh);
  record(state, ProducerId(3), 0, 0, 1, 2, TimestampMs(100));
  CHECK(state.size() == 2);
  CHECK(verdict(state, ProducerId(2), 0, 0, 1) == Verdict::duplicate);
  CHECK(verdict(state, ProducerId(3), 0, 0, 1) == Verdict::duplicate);
}

TEST_CASE("truncation forgets the batches it cut and continues from the one before") {
  ProducerState state;
  for (int i = 0; i < 4; ++i) record(state, kP, 2, i * 10, 10, i * 10);
  state.truncate_from(Offset(25));  // cuts into the third batch
  CHECK(verdict(state, kP, 2, 10, 10) == Verdict::duplicate);
  CHECK(verdict(state, kP, 2, 20, 10) == Verdict::fresh);
  CHECK(verdict(state, kP, 2, 30, 10) == Verdict::out_of_order);
  state.truncate_from(Offset(0));
  CHECK(verdict(state, kP, 2, 555, 1) == Verdict::fresh);
  CHECK(verdict(state, kP, 1, 555, 1) == Verdict::old_epoch);
  CHECK(state.last_offsets().empty());
}

TEST_CASE("a producer that loses all its batches sends them again from the first one that went, nothing before") {
  ProducerState state;
  for (int i = 0; i < 8; ++i) record(state, kP, 2, i * 10, 10, i * 10);
  // The last seven went; of these, the state had the last five only.
  state.truncate_from(Offset(10));
  state.expect_again(ProducerId(99), 0, 5);  // nobody
  state.expect_again(kP, 1, 70);             // of an epoch before
  for (int i = 1; i < 8; ++i) state.expect_again(kP, 2, i * 10);
  CHECK(verdict(state, kP, 2, 80, 10) == Verdict::out_of_order);
  CHECK(verdict(state, kP, 2, 30, 10) == Verdict::out_of_order);
  CHECK(verdict(state, kP, 2, 10, 10) == Verdict::fresh);
  record(state, kP, 2, 10, 10, 10);
  CHECK(verdict(state, kP, 2, 20, 10) == Verdict::fresh);
  // Those that keep a batch go on behind it.
  state.truncate_from(Offset(20));
  state.expect_again(kP, 2, 30);
  CHECK(verdict(state, kP, 2, 30, 10) == Verdict::out_of_order);
  CHECK(verdict(state, kP, 2, 20, 10) == Verdict::fresh);
  // A new epoch starts at 0 whatever was expected in the one before.
  state.truncate_from(Offset(0));
  state.expect_again(kP, 2, 10);
  CHECK(verdict(state, kP, 3, 0, 10) == Verdict::fresh);
}

TEST_CASE("the last batch of every producer is listed by offset with the time at which it came") {
  ProducerState state;
  record(state, ProducerId(1), 0, 0, 2, 10, TimestampMs(100));
  record(state, ProducerId(2), 4, 0, 1, 12, TimestampMs(200));
  record(state, ProducerId(1), 0, 2, 3, 13, TimestampMs(300));
  const std::vector<ProducerTail> expected = {{Offset(12), ProducerId(2), 4, 0, TimestampMs(200)},
                                              {Offset(15), ProducerId(1), 0, 4, TimestampMs(300)}};
  CHECK(state.last_offsets() == expected);
}

ProducerState some_state() {
  ProducerState state;
  for (int i = 0; i < 7; ++i) record(state, ProducerId(1), 3, i, 1, i, TimestampMs(1000 + i));
  record(state, ProducerId(1LL << 40), 0, kMaxSequence, 2, 7, TimestampMs(2000));
  record(state, ProducerId(9), 1, 0, 1, 9, TimestampMs(3000));
  state.truncate_from(Offset(9));
  return state;
}

TEST_CASE("a snapshot brings back the same state") {
  const ProducerState state = some_state();
  const std::string bytes = state.encode_snapshot(Offset(10));
  auto decoded = ProducerState::decode_snapshot(bytes);
  REQUIRE_OK(decoded);
  CHECK(decoded->covered == Offset(10));
  CHECK(decoded->state.size() == 3);
  CHECK(decoded->state.last_offsets() == state.last_offsets());
  CHECK(verdict(decoded->state, ProducerId(1), 3, 2, 1) == Verdict::duplicate);
  CHECK(verdict(decoded->state, ProducerId(1), 3, 1, 1) == Verdict::out_of_order);
  CHECK(verdict(decoded->state, ProducerId(1LL << 40), 0, 1, 1) == Verdict::fresh);
  CHECK(verdict(decoded->state, ProducerId(9), 0, 0, 1) == Verdict::old_epoch);
  CHECK(decoded->state.encode_snapshot(Offset(10)) == bytes);
}

TEST_CASE("a snapshot damaged in any byte or cut at any length is refused") {
  const std::string bytes = some_state().encode_snapshot(Offset(10));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (const int bit : {0, 3, 7}) {
      std::string damaged = bytes;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << bit));
      INFO("byte " << i << " bit " << bit);
      REQUIRE(ProducerState::decode_snapshot(damaged).code() == Errc::corrupt_file);
    }
    REQUIRE(ProducerState::decode_snapshot(bytes.substr(0, i)).code() == Errc::corrupt_file);
  }
  REQUIRE(ProducerState::decode_snapshot(bytes + '\0').code() == Errc::corrupt_file);
}

// Found by fuzzing: its age could not be reckoned.
TEST_CASE("a snapshot of a producer last seen at an impossible time is refused, at an unknown one it is not") {
  for (const std::int64_t seen : {INT64_MIN, std::int64_t{-2}, std::int64_t{-1}}) {
    ProducerState state;
    state.record(ProducerId(5), 0, 0, 1, Offset(0), Offset(0), TimestampMs(seen));
    const auto decoded = ProducerState::decode_snapshot(state.encode_snapshot(Offset(1)));
    CAPTURE(seen);
    REQUIRE(decoded.code() == (seen == -1 ? Errc::ok : Errc::corrupt_file));
  }
}

TEST_CASE("an empty producer state has a snapshot too") {
  auto decoded = ProducerState::decode_snapshot(ProducerState().encode_snapshot(Offset(5)));
  REQUIRE_OK(decoded);
  CHECK(decoded->state.size() == 0);
  CHECK(decoded->covered == Offset(5));
}

}  // namespace
}  // namespace logcask
