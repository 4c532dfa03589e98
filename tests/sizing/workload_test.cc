#include "sizing/workload.h"

#include "tests/support/catch.h"

using namespace logcask::sizing;

namespace {

std::string refusal(std::string_view name, std::string_view text, KnobSource source = KnobSource::flag) {
  Workload w;
  const auto status = set_knob(w, *find_knob(name), text, source);
  return status.ok() ? "" : status.error().message;
}

bool holds(const std::string& text, std::string_view words) { return text.find(words) != std::string::npos; }

}  // namespace

TEST_CASE("the default workload is 1M keys of 32 B with values of 4 KiB, in 256 MB") {
  const Workload w;
  CHECK(w.keys == 1'000'000);
  CHECK(w.key_bytes == 32);
  CHECK(w.value_bytes == 4096);
  CHECK(w.ram_budget == 256'000'000);
  CHECK(w.ram_budget_per_partition == 256'000'000);
}

TEST_CASE("the ranges of the founding documents hold, and a refusal names the knob") {
  for (const char* text : {"1k", "1B"}) CHECK(refusal("keys", text).empty());
  for (const char* text : {"999", "1,000,000,001"})
    CHECK(holds(refusal("keys", text), "--keys must be between 1k and 1B"));
  for (const char* text : {"8", "256"}) CHECK(refusal("key-bytes", text).empty());
  for (const char* text : {"7", "257"})
    CHECK(holds(refusal("key-bytes", text), "--key-bytes must be between 8 B and 256 B"));
  for (const char* text : {"16", "1 MB", "1 MiB"}) CHECK(refusal("value-bytes", text).empty());
  for (const char* text : {"15", "1.5 MiB"})
    CHECK(holds(refusal("value-bytes", text), "--value-bytes must be between"));
}

TEST_CASE("a workload file may say more than a flag, and the flag's refusal says so") {
  CHECK(refusal("value-bytes", "2 MiB", KnobSource::file).empty());
  CHECK(holds(refusal("value-bytes", "2 MiB"), "a workload file may say so"));
  CHECK(refusal("keys", "5B", KnobSource::file).empty());
  CHECK(holds(refusal("keys", "2000T", KnobSource::file), "keys must be between 1 and 1T"));
  CHECK_FALSE(holds(refusal("keys", "2000T"), "a workload file"));
}

TEST_CASE("a segment that positions of 31 bits cannot reach is refused") {
  CHECK(holds(refusal("segment-bytes", "2 GiB"), "2,147,483,647 B"));
  CHECK(refusal("segment-bytes", "2147483647").empty());
  CHECK(holds(refusal("segment-bytes", "5 GiB", KnobSource::file), "segment-bytes must be between"));
}

TEST_CASE("a limit that was set is taken back with any, and nothing else takes that word") {
  Workload w;
  for (const char* name : {"disk", "max-loss", "ram-budget-per-topic"}) {
    REQUIRE(set_knob(w, *find_knob(name), "2000000", KnobSource::flag).ok());
    REQUIRE(set_knob(w, *find_knob(name), "any", KnobSource::flag).ok());
    CHECK(knob_text(w, *find_knob(name)) == "any");
  }
  CHECK_FALSE(refusal("keys", "any").empty());
}

TEST_CASE("choices and yes-no knobs take their words only") {
  CHECK(refusal("sync", "every").empty());
  CHECK(holds(refusal("sync", "always"), "none|interval|every"));
  CHECK(holds(refusal("needs-range", "maybe", KnobSource::file), "needs-range must be true or false"));
}

TEST_CASE("every knob has help, a default, and prints what sets it again") {
  const Workload defaults;
  for (const Knob& knob : knobs()) {
    INFO(knob.name);
    CHECK_FALSE(knob.help.empty());
    CHECK(find_knob(knob.name) == &knob);
    const std::string text = knob_text(defaults, knob);
    REQUIRE_FALSE(text.empty());
    Workload w;
    CHECK(set_knob(w, knob, text, KnobSource::flag).ok());
  }
}
