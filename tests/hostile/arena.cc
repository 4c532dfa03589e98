#include "tests/hostile/arena.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "proto/frame.h"
#include "proto/lookup_codec.h"
#include "tests/support/catch.h"

namespace logcask::testing {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr auto kAlone = std::chrono::milliseconds(900);
constexpr auto kPace = std::chrono::milliseconds(3);
// Others use the machine and its disk too. Under a load of four times its cores the p99 alone was 13 to 21 ms where it
// is 0.5 else, and during an attack up to 21 ms above twice that.
constexpr double kFloorMs = 30;
constexpr int kAttackersNiceness = 10;
// Beside what the limit of 256 MiB stops: code and mapped files are no anonymous memory.
constexpr std::uint64_t kRssBytes = 224u << 20;

struct Row {
  std::string attack;
  Fates fates;
  double before_ms, during_ms;
  std::uint64_t rss_bytes;
};

// Printed when the program ends.
struct Table {
  std::vector<Row> rows;
  ~Table() {
    if (rows.empty()) return;
    std::printf("\n%-34s %9s %9s %9s %8s %10s %10s %8s\n", "attack", "offenders", "answered", "closed", "no fate",
                "p99 alone", "p99 during", "RSS max");
    for (const Row& row : rows)
      std::printf("%-34s %9zu %9zu %9zu %8zu %7.2f ms %7.2f ms %4llu MiB\n", row.attack.c_str(), row.fates.offenders,
                  row.fates.answered, row.fates.closed, row.fates.without, row.before_ms, row.during_ms,
                  static_cast<unsigned long long>(row.rss_bytes >> 20));
    std::printf(
        "memory limit: RLIMIT_DATA, %llu MiB of private memory; RSS bound %llu MiB; bound of the honest p99: 2 x alone "
        "+ "
        "%.0f ms; attackers at niceness %d\n",
        static_cast<unsigned long long>(LimitedBroker::kMemoryBytes >> 20),
        static_cast<unsigned long long>(kRssBytes >> 20), kFloorMs, kAttackersNiceness);
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

HonestClient::HonestClient(std::uint16_t port) : client_(port), thread_([this] { run(); }) {}

void HonestClient::stop() {
  stopping_ = true;
  if (thread_.joinable()) thread_.join();
}

void HonestClient::restart() {
  const std::lock_guard lock(mutex_);
  latencies_ms_.clear();
}

bool HonestClient::one(std::uint64_t number) {
  const std::string key = "honest-" + std::to_string(number % 100);
  v1::RequestHeader request;
  std::string attachment;
  if (number % 2 == 0) {
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
  const std::uint64_t id = client_.send(request, attachment);
  const auto answer = client_.receive();
  if (!answer || answer->header.correlation_id() != id || answer->header.error_code() != 0) return false;
  return number % 2 != 0 || answer->header.produce().results(0).error().code() == 0;
}

void HonestClient::run() {
  for (std::uint64_t number = 0; !stopping_; ++number) {
    const auto start = SteadyClock::now();
    if (!one(number)) ++failures_;
    const std::chrono::duration<double, std::milli> took = SteadyClock::now() - start;
    {
      const std::lock_guard lock(mutex_);
      latencies_ms_.push_back(took.count());
    }
    std::this_thread::sleep_until(start + kPace);
  }
}

double HonestClient::p99_ms() const {
  const std::lock_guard lock(mutex_);
  if (latencies_ms_.empty()) return 0;
  std::vector<double> sorted = latencies_ms_;
  std::sort(sorted.begin(), sorted.end());
  return sorted[sorted.size() * 99 / 100];
}

std::size_t HonestClient::requests() const {
  const std::lock_guard lock(mutex_);
  return latencies_ms_.size();
}

Arena::Arena(std::string attack, const std::vector<std::string>& settings, std::uint64_t open_files)
    : attack_(std::move(attack)), broker_(settings, open_files) {
  control_ = std::make_unique<NativeClient>(broker_.port());
  control_->create_topic("honest");
  honest_ = std::make_unique<HonestClient>(broker_.port());
}

void Arena::run(const std::function<Fates()>& attack) {
  std::this_thread::sleep_for(kAlone / 3);  // warm
  honest_->restart();
  std::this_thread::sleep_for(kAlone);
  const double before = honest_->p99_ms();
  honest_->restart();
  control_ = std::make_unique<NativeClient>(broker_.port());  // the one before may have been closed as idle
  // Attackers have machines of their own: they do not take the broker's processor away.
  Fates fates;
  std::thread attackers([&] {
    ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kAttackersNiceness);
    fates = attack();
  });
  attackers.join();
  // An attack that is over at once still gets its measure.
  const auto end = SteadyClock::now() + std::chrono::seconds(5);
  while (honest_->requests() < 100 && SteadyClock::now() < end) std::this_thread::sleep_for(kPace);
  const double during = honest_->p99_ms();
  honest_->stop();
  const std::uint64_t rss = broker_.peak_rss_bytes();
  table().rows.push_back({attack_, fates, before, during, rss});
  INFO("the broker's log: " << broker_.log());
  REQUIRE(broker_.alive());
  CHECK(honest_->failures() == 0);
  CHECK(fates.without == 0);
  if (!memory_check_skipped().empty()) return;
  CHECK(rss < kRssBytes);
  CHECK(during <= 2 * before + kFloorMs);
}

std::int64_t Arena::foreign_connections() {
  v1::RequestHeader request;
  request.mutable_describe_broker();
  // The control connection's and the honest client's.
  return static_cast<std::int64_t>(control_->call(request).header.describe_broker().connections()) - 2;
}

}  // namespace logcask::testing
