// Many members of consumer groups that come, go, die, dawdle and lose answers, over a disk that is slow and now and
// then refuses, topics that grow, and a broker that restarts: what must hold whatever happens.
#include <algorithm>

#include "base/random.h"
#include "tests/broker/services/consumer_group_fixture.h"
#include "tests/support/seed.h"

namespace logcask {
namespace {

using testing::ConsumerGroupFixture;

constexpr std::int64_t kModelStepMs = 200;
constexpr int kMembers = 5;

// A consumer as Kafka's clients are: it reads what it has been given, gives up what it is told to some time later, and
// stops reading what it has when it is refused.
class ModelConsumer {
 public:
  ModelConsumer(int number, ConsumerGroupFixture& fixture, Random& random)
      : id_("m" + std::to_string(number)), is_static_(number == 0), fixture_(fixture), random_(random) {}

  const TopicPartitions& reads() const { return reads_; }
  bool is_in() const { return epoch_ > kJoins; }
  GroupEpoch epoch() const { return epoch_; }

  void step(bool calm) {
    if (silent_ms_ > 0) {
      silent_ms_ -= kModelStepMs;
      return;
    }
    if (answer_ && !answer_->has_value()) return;
    if (answer_) hear(**std::exchange(answer_, nullptr), calm);
    if (!calm && is_in() && random_.one_in(60)) return leave(random_.one_in(2));
    if (!calm && random_.one_in(40)) {
      // Less than a session, or as good as dead: whoever is silent for so long reads no more.
      silent_ms_ = random_.one_in(2) ? 3'000 : 60'000;
      if (silent_ms_ > 10'000) lose();
      return;
    }
    if (wanted_ && (calm || random_.one_in(3))) give_up();
    if (calm || random_.one_in(2)) send();
  }
  // The connection is cut: what was answered never arrives.
  void cut() {
    if (answer_) say_everything_ = true;
    answer_ = nullptr;
  }

 private:
  void send() {
    ConsumerHeartbeat heartbeat =
        is_in() ? ConsumerGroupFixture::at(id_, epoch_, reads_) : ConsumerGroupFixture::joining(id_, {"t", "u"});
    if (is_static_) heartbeat.instance_id = GroupInstanceId("i" + id_);
    if (is_in() && std::exchange(say_everything_, false)) {
      heartbeat.rebalance_timeout_ms = 30'000;
      heartbeat.topics = {"t", "u"};
    }
    answer_ = fixture_.send(heartbeat);
  }

  void hear(const ConsumerHeartbeatAnswer& answer, bool calm) {
    switch (answer.status.code()) {
      case Errc::ok:
        break;
      case Errc::coordinator_not_available:
      case Errc::unreleased_instance_id:
        say_everything_ = true;
        return;
      default:
        INFO(answer.status.error().to_string());
        const Errc code = answer.status.code();
        CHECK((code == Errc::unknown_member_id || code == Errc::fenced_member_epoch ||
               code == Errc::fenced_instance_id || code == Errc::group_id_not_found));
        static_cast<void>(calm);
        return lose();
    }
    if (answer.epoch < kJoins) return;
    CHECK(answer.epoch >= epoch_);
    epoch_ = answer.epoch;
    if (answer.assignment) wanted_ = answer.assignment;
    // What is new it reads at once.
    if (wanted_ && contains_all(*wanted_, reads_)) reads_ = *std::exchange(wanted_, std::nullopt);
  }

  void give_up() { reads_ = *std::exchange(wanted_, std::nullopt); }

  void lose() {
    reads_.clear();
    wanted_.reset();
    epoch_ = kJoins;
  }

  void leave(bool for_a_while) {
    const GroupEpoch how = is_static_ && for_a_while ? kLeavesForAWhile : kLeaves;
    lose();
    ConsumerHeartbeat heartbeat = ConsumerGroupFixture::at(id_, how);
    if (is_static_) heartbeat.instance_id = GroupInstanceId("i" + id_);
    answer_ = fixture_.send(heartbeat);
  }

  const std::string id_;
  const bool is_static_;
  ConsumerGroupFixture& fixture_;
  Random& random_;
  GroupEpoch epoch_ = kJoins;
  TopicPartitions reads_;
  std::optional<TopicPartitions> wanted_;
  ConsumerGroupFixture::Answer answer_;
  bool say_everything_ = false;
  std::int64_t silent_ms_ = 0;
};

class Model {
 public:
  explicit Model(std::uint64_t seed) : random_(seed) {
    fixture_.set_topic("t", 1, 5);
    fixture_.set_topic("u", 2, 3);
    for (int i = 0; i < kMembers; ++i) consumers_.emplace_back(i, fixture_, random_);
  }

  void step(bool calm, bool restarts) {
    if (!calm) trouble(restarts);
    if (calm) fixture_.store.held = false;
    if (calm || random_.one_in(3)) fixture_.store.finish();
    for (ModelConsumer& one : consumers_) one.step(calm);
    fixture_.advance_ms(kModelStepMs);
    check();
  }

  void check_calm() {
    const auto group = fixture_.described();
    CHECK(group.state == GroupState::stable);
    std::size_t all = 0;
    std::size_t fewest = SIZE_MAX;
    std::size_t most = 0;
    for (const ModelConsumer& one : consumers_) {
      CHECK(one.is_in());
      std::size_t reads = 0;
      for (const auto& [topic, partitions] : one.reads()) reads += partitions.size();
      all += reads;
      fewest = std::min(fewest, reads);
      most = std::max(most, reads);
    }
    CHECK(all == static_cast<std::size_t>(fixture_.topics["t"].partitions + fixture_.topics["u"].partitions));
    CHECK(most - fewest <= 1);
  }

 private:
  void trouble(bool restarts) {
    if (random_.one_in(10)) fixture_.store.held = !fixture_.store.held;
    if (random_.one_in(15)) fixture_.store.finish(Error{Errc::storage_full, "no room"});
    if (random_.one_in(80)) fixture_.set_topic("t", 1, 5 + static_cast<int>(random_.below(3)));
    if (random_.one_in(30)) consumers_[random_.below(kMembers)].cut();
    if (!restarts || !random_.one_in(100)) return;
    // As after kill -9: what was under way is gone, and nobody hears of it.
    for (ModelConsumer& one : consumers_) one.cut();
    fixture_.store.underway.clear();
    fixture_.restart();
  }

  void check() {
    for (std::size_t i = 0; i < consumers_.size(); ++i)
      for (std::size_t j = i + 1; j < consumers_.size(); ++j)
        REQUIRE_FALSE(overlap(consumers_[i].reads(), consumers_[j].reads()));
    const auto group = fixture_.groups->describe(fixture_.principal, "g");
    if (!group.ok() || !fixture_.store.underway.empty()) return;
    CHECK(group->epoch >= newest_);
    newest_ = group->epoch;
  }

  Random random_;
  ConsumerGroupFixture fixture_;
  std::vector<ModelConsumer> consumers_;
  GroupEpoch newest_{0};
};

void run_model(std::uint64_t seed, bool restarts) {
  INFO("LOGCASK_TEST_SEED=" << seed);
  Model model(seed);
  for (int step = 0; step < 1'500; ++step) model.step(false, restarts);
  for (int step = 0; step < 700; ++step) model.step(true, false);
  model.check_calm();
}

TEST_CASE("no partition is ever with two members and in quiet all of them are shared evenly", "[consumer_group]") {
  const std::uint64_t seed = testing::test_seed();
  for (std::uint64_t i = 0; i < 10; ++i) run_model(seed + i, false);
}

TEST_CASE("consumer groups that live through restarts of the broker come to one assignment", "[consumer_group]") {
  const std::uint64_t seed = testing::test_seed();
  for (std::uint64_t i = 0; i < 10; ++i) run_model(seed + i, true);
}

}  // namespace
}  // namespace logcask
