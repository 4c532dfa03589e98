#include "broker/topics/keydir_budgets.h"

#include "tests/support/catch.h"
#include "tests/support/partition_fixture.h"

namespace logcask::testing {
namespace {

constexpr std::uint64_t kEntry = kKeydirBytesPerEntry;

struct Budgets {
  explicit Budgets(std::uint64_t total_entries = 1000)
      : budgets(static_cast<std::int64_t>(total_entries * kEntry), clock) {}
  KeydirBudget& topic(std::uint64_t entries) {
    config.keydir_max_bytes = static_cast<std::int64_t>(entries * kEntry);
    return budgets.of_topic(id, "t", config);
  }
  void refuse(KeydirBudget& budget, std::uint64_t entries) {
    REQUIRE_FALSE(budget.try_reserve(entries));
    budget.refusing(entries).note_refused(entries, clock.wall_ms());
  }
  void round() {
    budgets.round([this](const std::string& line) { notes.push_back(line); },
                  [this](const std::string& line) { alarms.push_back(line); });
  }
  ManualClock clock;
  KeydirBudgets budgets;
  TopicId id;
  TopicConfig config;
  std::vector<std::string> notes, alarms;
};

TEST_CASE("a refusal for want of keydir names the setting that refused, its value and its use", "[budget]") {
  Budgets of;
  KeydirBudget& topic = of.topic(10);
  REQUIRE(topic.try_reserve(8));
  CHECK_FALSE(topic.try_reserve(3));
  CHECK(topic.refusing(3).describe() == "keydir.max.bytes of topic 't' (200 B, 160 B in use)");
  KeydirBudget& other = of.budgets.of_topic(TopicId{{1}}, "u", TopicConfig());
  REQUIRE(other.try_reserve(990));
  CHECK_FALSE(other.try_reserve(3));
  CHECK(other.refusing(3).describe() == "keydir.total.max.bytes (20 KB, 19.96 KB in use)");
  // Both would refuse: the nearer one is to be raised first.
  CHECK(topic.refusing(3).describe() == "keydir.max.bytes of topic 't' (200 B, 160 B in use)");
}

TEST_CASE("a budget that refuses is a problem with since and count until there is room", "[budget]") {
  Budgets of;
  KeydirBudget& topic = of.topic(10);
  REQUIRE(topic.try_reserve(10));
  CHECK(of.budgets.problems().empty());
  of.refuse(topic, 2);
  of.clock.advance_ms(3'600'000);
  of.refuse(topic, 3);
  const auto problems = of.budgets.problems();
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].topic == "t");
  CHECK_THAT(problems[0].reason, Catch::Contains("keydir.max.bytes of topic 't' (200 B, 200 B in use)") &&
                                     Catch::Contains("5 since 2023-11-14T22:13:20Z, the last at 2023-11-14T23:13:20Z"));
  topic.release(5);
  of.clock.advance_ms(120'000);
  CHECK(of.budgets.problems().empty());
}

TEST_CASE("a budget says so once when it begins to refuse and once when it has room, not for each record", "[budget]") {
  Budgets of(10);
  KeydirBudget& topic = of.topic(1000);
  REQUIRE(topic.try_reserve(10));
  for (int i = 0; i < 100; ++i) {
    of.refuse(topic, 1);
    of.round();
  }
  REQUIRE(of.alarms.size() == 1);
  CHECK_THAT(of.alarms[0], Catch::Contains("keydir.total.max.bytes"));
  CHECK(of.notes.empty());
  topic.release(9);
  of.clock.advance_ms(120'000);
  of.round();
  of.round();
  CHECK(of.notes.size() == 1);
  CHECK(of.alarms.size() == 1);
}

TEST_CASE("more expected keys than the broker's budget has left are refused with the figures", "[budget]") {
  Budgets of;
  of.config.keydir_expected_keys = 1000;
  REQUIRE_OK(of.budgets.fits(of.id, of.config));
  of.config.keydir_expected_keys = 1001;
  Status refused = of.budgets.fits(of.id, of.config);
  CHECK(refused.code() == Errc::invalid_config);
  CHECK_THAT(refused.error().message, Catch::Contains("keydir.expected.keys = 1001 needs 20.02 KB") &&
                                          Catch::Contains("keydir.total.max.bytes is 20 KB: raise it"));
  // Two that fit alone and not together; what is asked for again is its own.
  of.config.keydir_expected_keys = 600;
  of.topic(1000);
  REQUIRE_OK(of.budgets.fits(of.id, of.config));
  refused = of.budgets.fits(TopicId{{1}}, of.config);
  REQUIRE(refused.code() == Errc::invalid_config);
  CHECK_THAT(refused.error().message, Catch::Contains("of which other topics expect to need 12 KB"));
  of.config.keydir_expected_keys = 400;
  REQUIRE_OK(of.budgets.fits(TopicId{{1}}, of.config));
  // A deleted topic expects nothing.
  of.budgets.set_gone(of.id, true);
  of.config.keydir_expected_keys = 1000;
  REQUIRE_OK(of.budgets.fits(TopicId{{1}}, of.config));
  CHECK(of.budgets.use(of.id).limit.empty());
  of.budgets.sample();
  of.budgets.set_gone(of.id, false);
  CHECK(of.budgets.fits(TopicId{{1}}, of.config).code() == Errc::invalid_config);
}

TEST_CASE("a budget that refuses is OOM, however little it is over", "[budget]") {
  Budgets of(100);
  KeydirBudget& topic = of.topic(50);
  topic.charge(50);
  CHECK(of.budgets.use(of.id).verdict == sizing::Verdict::tight);
  of.refuse(topic, 1);
  CHECK(of.budgets.use(of.id).verdict == sizing::Verdict::oom);
  CHECK(of.budgets.use().verdict == sizing::Verdict::fits);
}

TEST_CASE("the use of keydirs names the nearer limit, its verdict and when it is reached", "[budget]") {
  Budgets of(1000);
  KeydirBudget& topic = of.topic(100);
  KeydirBudget& other = of.budgets.of_topic(TopicId{{1}}, "u", TopicConfig());
  topic.charge(75);
  other.charge(500);
  of.budgets.sample();
  CHECK_FALSE(of.budgets.use(of.id).entries_per_hour.has_value());
  of.clock.advance_ms(60'000);
  topic.charge(1);
  other.charge(100);
  KeydirUse use = of.budgets.use(of.id);
  CHECK(use.entries == 76);
  CHECK(use.bytes == 76 * kEntry);
  CHECK(use.limit == "keydir.max.bytes");
  CHECK(use.limit_bytes == 100 * kEntry);
  CHECK(use.verdict == sizing::Verdict::tight);
  CHECK(*use.entries_per_hour == Approx(60));
  CHECK(*use.seconds_until_tight == 0.0);
  CHECK(*use.seconds_until_oom == Approx(24 * 60));
  // What bounds the other topic is bounded by all, and grows by all.
  use = of.budgets.use(TopicId{{1}});
  CHECK(use.entries == 600);
  CHECK(use.limit == "keydir.total.max.bytes");
  CHECK(use.limit_used_bytes == 676 * kEntry);
  CHECK(use.verdict == sizing::Verdict::fits);
  CHECK(*use.entries_per_hour == Approx(6'000));
  CHECK(*use.limit_entries_per_hour == Approx(6'060));
  CHECK(*use.seconds_until_tight == Approx((750 - 676) * 60 / 101.0));
  CHECK(*use.seconds_until_oom == Approx((1000 - 676) * 60 / 101.0));
  CHECK(of.budgets.use().entries == 676);
  // Without a limit of its own, or with one that is further, all topics' limit counts.
  other.charge(324);
  CHECK(of.budgets.use(of.id).limit == "keydir.total.max.bytes");
  CHECK(of.budgets.use(of.id).verdict == sizing::Verdict::tight);
  other.charge(1);
  CHECK(of.budgets.use().verdict == sizing::Verdict::oom);
  CHECK(*of.budgets.use().seconds_until_oom == 0.0);
}

TEST_CASE("the verdict counts what the budget counts: three quarters fit, the whole is tight, more is OOM",
          "[budget]") {
  Budgets of(100);
  KeydirBudget& topic = of.topic(1000);
  const auto verdict_at = [&](std::uint64_t entries) {
    topic.charge(entries - topic.used_entries());
    CHECK(of.budgets.use(of.id).verdict == of.budgets.use().verdict);
    return of.budgets.use().verdict;
  };
  CHECK(verdict_at(75) == sizing::Verdict::fits);
  CHECK(verdict_at(76) == sizing::Verdict::tight);
  CHECK(verdict_at(100) == sizing::Verdict::tight);
  CHECK(verdict_at(101) == sizing::Verdict::oom);
}

TEST_CASE("a keydir budget that is set below what is in use is a problem at once", "[budget]") {
  Budgets of;
  KeydirBudget& topic = of.topic(100);
  REQUIRE(topic.try_reserve(50));
  of.config.keydir_max_bytes = 20 * kEntry;
  of.budgets.set_limit(of.id, of.config);
  const auto problems = of.budgets.problems();
  REQUIRE(problems.size() == 1);
  CHECK_THAT(problems[0].reason, Catch::Contains("(400 B, 1 KB in use)"));
}

}  // namespace
}  // namespace logcask::testing
