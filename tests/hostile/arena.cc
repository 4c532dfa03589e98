#include "tests/hostile/arena.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>

#include "proto/frame.h"
#include "proto/lookup_codec.h"
#include "tests/support/catch.h"

namespace logcask::testing {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr auto kAlone = std::chrono::milliseconds(900);
constexpr auto kPace = std::chrono::milliseconds(4);
// So much the scheduler may take on its own: on a calm machine, and on one that others keep so busy that the honest
// client alone waits for its processor.
constexpr double kCalmMs = 6, kFloorMs = 5, kBusyFloorMs = 30;
// Others use the machine, too: an attack whose first round is not bearable has four more, of which
// two must be.
constexpr int kRoundsMax = 5, kBearableAgain = 2;
// A file system that syncs others' data holds up everybody's: the slowest call says less of the broker.
constexpr double kMaxFloorMs = 500;
constexpr std::size_t kCallsMin = 300;
constexpr std::size_t kReasonsMax = 5;
constexpr int kAttackersNiceness = 10;
// Beside what the limit of 256 MiB stops: code and mapped files are no anonymous memory.
constexpr std::uint64_t kRssBytes = 224u << 20;

struct Row {
  std::string attack;
  Round round;
  std::uint64_t rss_bytes;
};

// Printed when the program ends.
struct Table {
  std::vector<Row> rows;
  ~Table() {
    if (rows.empty()) return;
    std::printf("\n%-34s %9s %9s %9s %8s %33s %33s %8s\n", "attack", "offenders", "answered", "closed", "no fate",
                "p99 alone / aside / attacked", "max alone / aside / attacked", "RSS max");
    for (const auto& [attack, round, rss_bytes] : rows)
      std::printf("%-34s %9zu %9zu %9zu %8zu %9.2f %9.2f %10.2f ms %9.1f %9.1f %10.1f ms %4llu MiB%s\n", attack.c_str(),
                  round.fates.offenders, round.fates.answered, round.fates.closed, round.fates.without,
                  round.alone.p99_ms, round.aside.p99_ms, round.attacked.p99_ms, round.alone.max_ms, round.aside.max_ms,
                  round.attacked.max_ms, static_cast<unsigned long long>(rss_bytes >> 20),
                  round.bearable() ? "" : ", too slow");
    std::printf(
        "memory limit: RLIMIT_DATA, %llu MiB of private memory; RSS bound %llu MiB; attackers at niceness %d\n"
        "honest client: one call every %lld ms, counted from when it was planned; bounds: p99 2 "
        "x alone or aside + %.0f ms (+ %.0f ms where alone is above %.0f ms: a busy machine), slowest 2 x + %.0f ms; "
        "when the first round was too slow, two of the next four must not be\n",
        static_cast<unsigned long long>(LimitedBroker::kMemoryBytes >> 20),
        static_cast<unsigned long long>(kRssBytes >> 20), kAttackersNiceness, static_cast<long long>(kPace.count()),
        kFloorMs, kBusyFloorMs, kCalmMs, kMaxFloorMs);
    if (!memory_check_skipped().empty())
      std::printf("SKIPPED: memory limit, RSS and p99 bounds; %s\n", memory_check_skipped().c_str());
  }
};
Table& table() {
  static Table table;
  return table;
}

std::string keys_of(const std::string& key) {
  std::string keys;
  append_key(keys, key);
  return keys;
}

}  // namespace

HonestClient::HonestClient(std::uint16_t port)
    : client_(port), sender_([this] { send_all(); }), receiver_([this] { receive_all(); }) {}

void HonestClient::stop() {
  stopping_ = true;
  if (sender_.joinable()) sender_.join();
  if (receiver_.joinable()) receiver_.join();
}

void HonestClient::restart() {
  const std::lock_guard lock(mutex_);
  since_ = SteadyClock::now();
  latencies_ms_.clear();
}

void HonestClient::send_one(std::uint64_t number, Time planned) {
  const std::string key = "honest-" + std::to_string(number % 100);
  v1::RequestHeader request;
  std::string attachment;
  const bool put = number % 2 == 0;
  if (put) {
    attachment = one_record_batch(key, std::to_string(number));
    auto& entry = *request.mutable_produce()->add_entries();
    entry.set_topic("honest");
    entry.set_batch_bytes(static_cast<std::uint32_t>(attachment.size()));
  } else {
    request.mutable_get()->set_topic("honest");
    request.mutable_get()->set_partition(-1);
    request.mutable_get()->set_key_count(1);
    attachment = keys_of(key);
  }
  const std::lock_guard lock(mutex_);
  open_[client_.send(request, attachment)] = {planned, put};
  sent_.notify_one();
}

void HonestClient::send_all() {
  auto planned = SteadyClock::now();
  for (std::uint64_t number = 0; !stopping_; ++number, planned += kPace) {
    std::this_thread::sleep_until(planned);
    send_one(number, planned);
  }
  const std::lock_guard lock(mutex_);
  sent_all_ = true;
  sent_.notify_one();
}

// False when no answer came.
bool HonestClient::receive_one() {
  const auto answer = client_.receive();
  const auto now = SteadyClock::now();
  const std::lock_guard lock(mutex_);
  const auto call = answer ? open_.find(answer->header.correlation_id()) : open_.end();
  if (call == open_.end()) return false;
  const auto [planned, put] = call->second;
  open_.erase(call);
  if (planned >= since_) latencies_ms_.push_back(std::chrono::duration<double, std::milli>(now - planned).count());
  const bool good =
      answer->header.error_code() == 0 && (!put || (answer->header.produce().results_size() == 1 &&
                                                    answer->header.produce().results(0).error().code() == 0));
  if (!good) ++failures_;
  return true;
}

void HonestClient::receive_all() {
  while (true) {
    {
      std::unique_lock lock(mutex_);
      sent_.wait(lock, [this] { return sent_all_ || !open_.empty(); });
      if (open_.empty()) return;
    }
    if (receive_one()) continue;
    ++failures_;
    stopping_ = true;
    return;
  }
}

double HonestClient::share_ms(double share) const {
  const std::lock_guard lock(mutex_);
  if (latencies_ms_.empty()) return 0;
  std::vector<double> sorted = latencies_ms_;
  std::sort(sorted.begin(), sorted.end());
  const auto index = static_cast<std::size_t>(share * static_cast<double>(sorted.size()));
  return sorted[std::min(index, sorted.size() - 1)];
}

std::size_t HonestClient::requests() const {
  const std::lock_guard lock(mutex_);
  return latencies_ms_.size();
}

void Fates::add(const Fates& more) {
  offenders += more.offenders;
  answered += more.answered;
  closed += more.closed;
  without += more.without;
  if (why.empty()) why = more.why;
}

Fates fates_of(Peers& peers, const Judge& judge) {
  Fates fates{peers.list().size(), peers.answered(), peers.closed(), 0, {}};
  for (std::size_t i = 0; i < peers.list().size(); ++i) {
    const std::string wrong = judge(peers.list()[i]);
    if (wrong.empty()) continue;
    if (fates.without++ < kReasonsMax) fates.why += "peer " + std::to_string(i) + ": " + wrong + "; ";
  }
  return fates;
}

Arena::Arena(std::string attack, const std::vector<std::string>& settings, std::uint64_t open_files)
    : attack_(std::move(attack)), broker_(settings, open_files) {
  NativeClient(broker_.port()).create_topic("honest");
  NativeClient(other_broker_.port()).create_topic("honest");
}

bool Round::bearable() const {
  const double floor_ms = alone.p99_ms <= kCalmMs ? kFloorMs : kBusyFloorMs;
  return attacked.p99_ms <= 2 * std::max(alone.p99_ms, aside.p99_ms) + floor_ms &&
         attacked.max_ms <= 2 * std::max(alone.max_ms, aside.max_ms) + kMaxFloorMs;
}

Round Arena::lead(const std::function<Fates()>& attack) {
  const auto latency = [](const HonestClient& client) { return Round::Latency{client.p99_ms(), client.max_ms()}; };
  control_ = std::make_unique<NativeClient>(broker_.port());
  HonestClient honest(broker_.port()), other_honest(other_broker_.port());
  std::this_thread::sleep_for(kAlone / 3);  // warm
  honest.restart();
  std::this_thread::sleep_for(kAlone);
  Round round;
  round.alone = latency(honest);
  honest.restart();
  other_honest.restart();
  // Attackers have machines of their own: they do not take the broker's processor away.
  std::thread attackers([&] {
    ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kAttackersNiceness);
    round.fates = attack();
  });
  attackers.join();
  // An attack that is over at once still gets its measure.
  const auto end = SteadyClock::now() + std::chrono::seconds(5);
  while (honest.requests() < kCallsMin && SteadyClock::now() < end) std::this_thread::sleep_for(kPace);
  honest.stop();
  other_honest.stop();
  round.attacked = latency(honest);
  round.aside = latency(other_honest);
  CHECK(honest.failures() == 0);
  CHECK(honest.requests() >= kCallsMin);
  return round;
}

void Arena::check(const Round& round) {
  const std::uint64_t rss = broker_.peak_rss_bytes();
  INFO("fates: " << round.fates.why);
  CHECK(round.fates.offenders > 0);
  CHECK(round.fates.without == 0);
  // Where it cannot be read it is 0, which is below every bound.
  CHECK(rss > 0);
  if (memory_check_skipped().empty()) CHECK(rss < kRssBytes);
  table().rows.push_back({attack_, round, rss});
}

void Arena::run(const std::function<Fates()>& attack) {
  std::optional<Round::Latency> least_alone;
  int bearable = 0;
  for (int led = 1; led <= kRoundsMax; ++led) {
    Round round = lead(attack);
    INFO("the broker's log: " << broker_.log());
    REQUIRE(broker_.alive());
    // What an attack leaves behind must not loosen the bounds of the next one.
    if (least_alone)
      round.alone = {std::min(round.alone.p99_ms, least_alone->p99_ms),
                     std::min(round.alone.max_ms, least_alone->max_ms)};
    least_alone = round.alone;
    check(round);
    bearable += round.bearable();
    if (bearable == (led == 1 ? 1 : kBearableAgain) || !memory_check_skipped().empty()) return;
  }
  FAIL_CHECK("the honest client waited too long in all but " << bearable << " of " << kRoundsMax
                                                             << " rounds; see the table");
}

std::int64_t Arena::foreign_connections() {
  v1::RequestHeader request;
  request.mutable_describe_broker();
  // The control connection's and the honest client's.
  return static_cast<std::int64_t>(control_->call(request).header.describe_broker().connections()) - 2;
}

}  // namespace logcask::testing
