// Is every key of a topic written by produce_load (same --records, --keys and --seed) at its last value? Asked by
// multi-get, and by a replay of the live records. Prints how many keys were right either way; exits 1 when one is not.
//   state_check --broker H:P --topic T --records N --keys N --seed N --live 0|1 (the replay shows each key exactly
//   once)
#include <vector>

#include "bench/figures.h"
#include "bench/flags.h"
#include "bench/workload.h"
#include "logcask/replay.h"
#include "logcask/table.h"

namespace logcask::bench {
namespace {

constexpr std::size_t kKeysPerRequest = 64;

struct Expected {
  std::vector<std::uint64_t> last_write;  // by key

  bool right(ByteView key, ByteView value) const {
    ByteView named;
    std::uint64_t write = 0;
    const std::uint64_t number = number_of(key);
    return number < last_write.size() && parse_value(value, named, write) && named == key &&
           write == last_write[number];
  }
};

Expected expected_state(std::uint64_t records, std::uint64_t keys, std::uint64_t seed) {
  Expected expected{std::vector<std::uint64_t>(std::min(records, keys))};
  KeySequence sequence(keys, seed);
  for (std::uint64_t i = 0; i < records; ++i) expected.last_write[sequence.next()] = i;
  return expected;
}

std::uint64_t check_lookups(const client::Client& client, const std::string& topic, const Expected& expected) {
  auto table = take(client::Table::open(client, topic));
  std::uint64_t right = 0;
  for (std::size_t first = 0; first < expected.last_write.size(); first += kKeysPerRequest) {
    std::vector<std::string> keys;
    for (std::size_t i = first; i < std::min(first + kKeysPerRequest, expected.last_write.size()); ++i)
      keys.push_back(key_of(i));
    const std::vector<ByteView> views(keys.begin(), keys.end());
    const auto lookups = take(table.multi_get(views));
    for (std::size_t i = 0; i < lookups.size(); ++i)
      if (lookups[i].found() && expected.right(keys[i], lookups[i].value)) ++right;
  }
  return right;
}

struct Replayed {
  std::uint64_t records = 0;
  std::uint64_t right = 0;  // keys whose last shown record is the expected one
};

Replayed check_replay(const client::Client& client, const std::string& topic, const Expected& expected) {
  client::ReplayOptions options;
  options.stop_at_caught_up = true;
  auto replay = take(client::Replay::open(client, topic, options));
  std::vector<bool> right(expected.last_write.size());
  Replayed replayed;
  for (;;) {
    const auto event = take(replay.poll(60'000));
    if (event.kind == client::ReplayEvent::Kind::finished) break;
    if (event.kind == client::ReplayEvent::Kind::none) die("the replay stands still");
    for (const auto& record : event.records) {
      ++replayed.records;
      if (!record.key || !record.value || number_of(*record.key) >= right.size()) die("a record nobody wrote");
      right[number_of(*record.key)] = expected.right(*record.key, *record.value);
    }
  }
  for (const bool key : right) replayed.right += key ? 1 : 0;
  return replayed;
}

int run(int argc, char** argv) {
  Flags flags(argc, argv);
  const std::string broker = flags.text("broker", "127.0.0.1:7440");
  const std::string topic = flags.text("topic", "bench");
  const std::uint64_t records = flags.number("records", 1'000'000);
  const std::uint64_t keys = flags.number("keys", 100'000);
  const std::uint64_t seed = flags.number("seed", 1);
  const bool live = flags.number("live", 1) != 0;
  flags.done();
  const client::Client client = take(client::Client::connect(broker));
  const Expected expected = expected_state(records, keys, seed);
  const std::uint64_t found = check_lookups(client, topic, expected);
  const std::uint64_t started = now_ns();
  const Replayed replayed = check_replay(client, topic, expected);
  print_figure("keys_right_by_lookup", static_cast<double>(found));
  print_figure("replay_records", static_cast<double>(replayed.records));
  print_figure("replay_s", static_cast<double>(now_ns() - started) * 1e-9);
  print_figure("keys_right_by_replay", static_cast<double>(replayed.right));
  const std::uint64_t wanted = expected.last_write.size();
  return found == wanted && replayed.right == wanted && (!live || replayed.records == wanted) ? 0 : 1;
}

}  // namespace
}  // namespace logcask::bench

int main(int argc, char** argv) { return logcask::bench::run(argc, argv); }
