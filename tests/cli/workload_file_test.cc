#include "cli/workload_file.h"

#include "broker/settings/broker_settings.h"
#include "broker/settings/topic_config.h"
#include "cli/exit_code.h"
#include "sizing/plan.h"
#include "tests/support/catch.h"

using namespace logcask;
using namespace logcask::cli;

namespace {

std::string source_file(const std::string& path) { return std::string(LOGCASK_SOURCE_DIR) + "/" + path; }

}  // namespace

TEST_CASE("every shipped workload states both budgets and what it is, and fits by our model") {
  for (const char* name : {"photo-blobs", "event-tags", "idempotency-keys"}) {
    INFO(name);
    const auto read = read_workload(source_file(std::string("workloads/") + name + ".toml"));
    REQUIRE(read.ok());
    CHECK(read->workload.name == name);
    CHECK_FALSE(read->workload.about.empty());
    for (const char* knob :
         {"keys", "key-bytes", "value-bytes", "ram-budget", "ram-budget-per-partition", "partitions"})
      CHECK(read->told.contains(knob));
    const sizing::Plan plan = sizing::make_plan(read->workload, sizing::kLogcask);
    CHECK(plan.judged.verdict == sizing::Verdict::fits);
    CHECK_FALSE(plan.rejected());
  }
}

TEST_CASE("the shipped photo card has the founding document's figures") {
  const auto card = read_workload(source_file("workloads/photo-blobs.toml"));
  REQUIRE(card.ok());
  const sizing::Plan plan = sizing::make_plan(card->workload, sizing::kBitcask);
  CHECK(plan.judged.data_files_per_partition == 2442);
  CHECK(plan.judged.data_files == 9768);
  CHECK(plan.judged.ram_per_partition == 191'250'000);  // 182.4 MiB
  CHECK(plan.judged.verdict == sizing::Verdict::fits);
  CHECK_FALSE(plan.rejected());
}

TEST_CASE("a workload file's numbers and words are read as its knobs") {
  const auto told = parse_workload(
      "keys = 10_000_000\nvalue-bytes = '2 MiB'\nneeds-range = true\nsync = 'every'\n"
      "about = 'a test'\n",
      "mine", "mine.toml");
  REQUIRE(told.ok());
  CHECK(told->workload.keys == 10'000'000);
  CHECK(told->workload.value_bytes == 2u << 20);
  CHECK(told->workload.needs_range);
  CHECK(told->workload.sync == "every");
  CHECK(told->workload.about == "a test");
  CHECK(told->told.size() == 4);
}

TEST_CASE("whatever is wrong with a workload file ends with the same exit code") {
  for (const char* text : {"keys = [", "kees = 5", "keys = 0", "keys = 'many'", "keys = 10M"}) {
    const auto told = parse_workload(text, "mine", "mine.toml");
    REQUIRE_FALSE(told.ok());
    CHECK(exit_code_for(told.error().code) == kExitFailed);
  }
}

TEST_CASE("the plan knows the broker's defaults") {
  const auto topic = make_topic_config({});
  REQUIRE(topic.ok());
  CHECK(sizing::kMessageBytesDefault == static_cast<std::uint64_t>(topic->partition.max_message_bytes));
  const auto same = [](const char* name, std::uint64_t number) {
    for (const SettingInfo* setting : broker_settings())
      if (setting->name == name) CHECK(setting->default_text == std::to_string(number));
  };
  same("frame.max.bytes", sizing::kFrameBytesDefault);
  same("connection.inflight.max.bytes", sizing::kConnectionBytesDefault);
  same("partitions.max", sizing::kPartitionsDefault);
}

TEST_CASE("a workload file that is wrong is named with the knob or the line") {
  const auto message = [](const std::string& text) {
    const auto told = parse_workload(text, "mine", "mine.toml");
    REQUIRE_FALSE(told.ok());
    return told.error().message;
  };
  CHECK(message("kees = 5").find("mine.toml: no knob is called 'kees' (did you mean 'keys'?)") == 0);
  CHECK(message("keys = 0").find("mine.toml: keys must be between 1 and 1T") == 0);
  CHECK(message("keys = 'many'").find("mine.toml: keys: 'many' is not a count such as") == 0);
  CHECK(message("a = 1\nb = [").find("mine.toml line ") == 0);
  CHECK(message("keys = 10M").find("mine.toml line 1: ") == 0);
  CHECK(message("keys = 10M # many").find("stands in quotes: keys = \"10M\"") != std::string::npos);
  CHECK(message("keys = 5\nvalue-bytes = 4 KiB\n").find("value-bytes = \"4 KiB\"") != std::string::npos);
  CHECK(message("keys = 10M5").find("in quotes") == std::string::npos);
  CHECK(message("needs-range = 1").find("needs-range must be true or false") != std::string::npos);
}
